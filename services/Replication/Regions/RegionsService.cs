using Gallery.Replication.Links;
using Gallery.Replication.Records;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Regions;

/// <summary>Serves <c>gallery.replication.v1.RegionService</c>: here the regions themselves, beside it the access to restricted ones.</summary>
internal sealed partial class RegionsService(
    IAccessChecker access,
    RegionRegistry regions,
    RegionHealthStore health,
    RegionAccess regionAccess,
    LinkStore links,
    Work.BlockedWork blocked,
    IOptions<List<OperatorOptions>> operators,
    TimeProvider clock
) : V1.RegionService.RegionServiceBase
{
    private const string ReadSubscription = "Microsoft.Resources/subscriptions/read";
    private const string DrainRegions = "Gallery.Replication/regions/drain";
    private const int LongestText = 1024;

    /// <inheritdoc />
    public override async Task<V1.ListRegionsResponse> ListRegions(V1.ListRegionsRequest request, ServerCallContext context)
    {
        var subscription = await SubscriptionAsync(request.Subscription, context);
        var all = await health.ReadAllAsync(context.CancellationToken);
        var response = new V1.ListRegionsResponse();
        foreach (var region in regions.All)
        {
            response.Regions.Add(await ShowAsync(region, all[region.Name], subscription, context.CancellationToken));
        }

        return response;
    }

    /// <inheritdoc />
    public override async Task<V1.GetRegionResponse> GetRegion(V1.GetRegionRequest request, ServerCallContext context)
    {
        var region = regions.Require(request.Name, "name");
        var subscription = await SubscriptionAsync(request.Subscription, context);
        return new V1.GetRegionResponse { Region = await ShowAsync(region, subscription, context.CancellationToken) };
    }

    /// <inheritdoc />
    public override async Task<V1.ListRegionLinksResponse> ListRegionLinks(V1.ListRegionLinksRequest request, ServerCallContext context)
    {
        _ = Caller.From(context);
        var only = request.Region.Length == 0 ? null : regions.Require(request.Region, "region").Name;
        var response = new V1.ListRegionLinksResponse();
        foreach (var target in regions.All)
        {
            var measured = await links.ReadAsync(target.Name, context.CancellationToken);
            response.Links.AddRange(
                regions
                    .All.Where(source => only is null || source.Name == only || target.Name == only)
                    .Where(source => source.Name != target.Name && measured.ContainsKey(source.Name))
                    .Select(source => LinkRules.Show(source.Name, target.Name, measured[source.Name], links.Options, clock.GetUtcNow()))
            );
        }

        return response;
    }

    /// <inheritdoc />
    public override async Task<V1.DrainRegionResponse> DrainRegion(V1.DrainRegionRequest request, ServerCallContext context)
    {
        var region = regions.Require(request.Name, "name");
        RequireShort(request.Reason, "reason");
        RequireOperator(context, DrainRegions, $"regions/{region.Name}");
        var drain = new DrainRecord
        {
            Reason = request.Reason,
            Time = Timestamp.FromDateTimeOffset(clock.GetUtcNow()),
            OperatorId = Caller.From(context).Principal.ObjectId,
        };
        await health.DrainAsync(region.Name, drain, context.CancellationToken);
        return new V1.DrainRegionResponse { Region = await ShowAsync(region, "", context.CancellationToken) };
    }

    /// <inheritdoc />
    public override async Task<V1.UndrainRegionResponse> UndrainRegion(V1.UndrainRegionRequest request, ServerCallContext context)
    {
        var region = regions.Require(request.Name, "name");
        RequireOperator(context, DrainRegions, $"regions/{region.Name}");
        if (await health.UndrainAsync(region.Name, context.CancellationToken))
        {
            await blocked.WakeAsync(region.Name, context.CancellationToken);
        }

        return new V1.UndrainRegionResponse { Region = await ShowAsync(region, "", context.CancellationToken) };
    }

    private static void RequireShort(string text, string field)
    {
        if (text.Length > LongestText)
        {
            throw GalleryError.InvalidParameter(field, $"Must be at most {LongestText} characters long.");
        }
    }

    private async Task<string> SubscriptionAsync(string text, ServerCallContext context)
    {
        if (text.Length == 0)
        {
            return "";
        }

        var subscription = ResourceName.Require(text, "subscription", ResourceKind.Subscription);
        await access.RequireAsync(context, ReadSubscription, subscription.Value, orServices: ["catalog", "billing", "sharing"]);
        return subscription.SubscriptionId;
    }

    private async Task<V1.Region> ShowAsync(RegionOptions region, string subscription, CancellationToken cancellationToken) =>
        await ShowAsync(region, await health.ReadAsync(region.Name, cancellationToken), subscription, cancellationToken);

    private async Task<V1.Region> ShowAsync(
        RegionOptions region,
        RegionHealth state,
        string subscription,
        CancellationToken cancellationToken
    ) =>
        new()
        {
            Name = region.Name,
            DisplayName = region.DisplayName.Length > 0 ? region.DisplayName : region.Name,
            ZoneCount = region.Zones,
            Restricted = region.Restricted,
            Continent = region.Continent,
            State = state.State,
            Details = state.Details,
            StateTime = state.StateTime,
            DrainReason = state.Drain.Reason,
            Availability =
                subscription.Length == 0 ? V1.RegionAvailability.Unspecified
                : await regionAccess.IsAvailableAsync(subscription, region, cancellationToken) ? V1.RegionAvailability.Available
                : V1.RegionAvailability.Restricted,
            GrpcUrl = region.GrpcUrl,
            HttpUrl = region.HttpUrl,
            LastSeenTime = state.Record.LastSeenTime,
            UsedBytes = state.Record.UsedBytes,
            AvailableBytes = state.Record.AvailableBytes,
            Zones = { state.Record.Zones },
            ReadyReplicaCount = state.Record.ReadyReplicaCount,
            RunningCopyCount = state.Record.RunningCopyCount,
            RecentFailureCount = state.Record.RecentFailureCount,
        };

    private bool IsOperator(ServerCallContext context)
    {
        var caller = Caller.From(context).Principal;
        return operators.Value.Any(one =>
            string.Equals(one.TenantId, caller.TenantId, StringComparison.OrdinalIgnoreCase)
            && string.Equals(one.ObjectId, caller.ObjectId, StringComparison.OrdinalIgnoreCase)
        );
    }

    private void RequireOperator(ServerCallContext context, string action, string scope)
    {
        if (!IsOperator(context))
        {
            throw GalleryError.AuthorizationFailed(action, scope);
        }
    }
}
