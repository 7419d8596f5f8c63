using Gallery.Billing.Prices;
using Gallery.Billing.Regions;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Names;
using Grpc.Core;

namespace Gallery.Billing.Estimates;

/// <summary>Tells what a version would cost.</summary>
internal sealed class EstimateGrpcService(
    ImageVersionService.ImageVersionServiceClient catalog,
    PriceBook prices,
    RegionDirectory regions,
    IAccessChecker access,
    TimeProvider clock
) : EstimateService.EstimateServiceBase
{
    private const string ReadAction = "Gallery.Billing/estimates/read";
    private const string ReadVersion = "Microsoft.Compute/galleries/images/versions/read";

    public override async Task<EstimateCostResponse> EstimateCost(EstimateCostRequest request, ServerCallContext context)
    {
        var parent = ResourceName.Require(request.Parent, "parent", ResourceKind.Subscription);
        var version = EstimateReader.Check(request, parent);
        await access.RequireAsync(context, ReadAction, parent.Value, context.CancellationToken);

        var shallow = request.Shallow;
        var map = await regions.GetAsync(context.CancellationToken);
        EstimateSubject subject;
        if (version is null)
        {
            subject = EstimateReader.FromNumbers(request, map);
        }
        else
        {
            await access.RequireLinkedAsync(context, ReadVersion, version.Value, context.CancellationToken);
            var answer = await catalog.GetImageVersionAsync(
                new GetImageVersionRequest { Name = version.Value },
                cancellationToken: context.CancellationToken
            );
            var found = answer.ImageVersion;
            shallow |= found.PublishingProfile?.ReplicationMode == ReplicationMode.Shallow;
            subject = EstimateReader.FromVersion(request, found, map);
        }

        // A shallow version refers to its source: it has no copies that could cost anything.
        return EstimateRules.Estimate(
            shallow ? subject with { Replicas = [] } : subject,
            request.PriceTime?.ToDateTimeOffset() ?? clock.GetUtcNow(),
            request.SoftDeleted,
            prices,
            map
        );
    }
}
