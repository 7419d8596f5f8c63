using Gallery.Catalog.Regions;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Names;
using Grpc.Core;

namespace Gallery.Catalog.Quotas;

/// <summary>Shows usage against limits.</summary>
internal sealed class UsagesService(IAccessChecker access, RegionCatalog regions, Quota quota) : QuotaService.QuotaServiceBase
{
    public override async Task<ListUsagesResponse> ListUsages(ListUsagesRequest request, ServerCallContext context)
    {
        var subscription = ResourceName.Require(request.Parent, "parent", ResourceKind.Subscription);
        await access.RequireAsync(context, CatalogActions.UsageRead, subscription.Value);
        var offered = await regions.ForAsync(subscription.SubscriptionId, context.CancellationToken);
        var locations =
            request.Location.Length == 0
                ? offered.Offered.Select(region => region.Name)
                : [offered.Require(request.Location, "location").Name];
        var response = new ListUsagesResponse();
        response.Usages.AddRange(await quota.ReadAsync(subscription.SubscriptionId, locations, context.CancellationToken));
        return response;
    }
}
