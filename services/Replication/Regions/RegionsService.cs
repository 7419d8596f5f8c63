using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Regions;

/// <summary>Serves <c>gallery.replication.v1.RegionService</c>.</summary>
internal sealed class RegionsService(
    IAccessChecker access,
    RegionRegistry regions,
    RegionHealthStore health,
    RegionAccess regionAccess,
    Work.BlockedWork blocked,
    IOptions<List<OperatorOptions>> operators
) : V1.RegionService.RegionServiceBase
{
    private const string ReadSubscription = "Microsoft.Resources/subscriptions/read";
    private const string ReadRequests = "Gallery.Replication/regionAccessRequests/read";
    private const string WriteRequests = "Gallery.Replication/regionAccessRequests/write";
    private const string ReviewRequests = "Gallery.Replication/regionAccessRequests/review";
    private const string DrainRegions = "Gallery.Replication/regions/drain";
    private const int LongestJustification = 1024;

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
    public override async Task<V1.DrainRegionResponse> DrainRegion(V1.DrainRegionRequest request, ServerCallContext context)
    {
        var region = regions.Require(request.Name, "name");
        RequireOperator(context, DrainRegions, $"regions/{region.Name}");
        await health.SetDrainedAsync(region.Name, drained: true, context.CancellationToken);
        return new V1.DrainRegionResponse { Region = await ShowAsync(region, "", context.CancellationToken) };
    }

    /// <inheritdoc />
    public override async Task<V1.UndrainRegionResponse> UndrainRegion(V1.UndrainRegionRequest request, ServerCallContext context)
    {
        var region = regions.Require(request.Name, "name");
        RequireOperator(context, DrainRegions, $"regions/{region.Name}");
        if (await health.SetDrainedAsync(region.Name, drained: false, context.CancellationToken))
        {
            await blocked.WakeAsync(region.Name, context.CancellationToken);
        }

        return new V1.UndrainRegionResponse { Region = await ShowAsync(region, "", context.CancellationToken) };
    }

    /// <inheritdoc />
    public override async Task<V1.RequestRegionAccessResponse> RequestRegionAccess(
        V1.RequestRegionAccessRequest request,
        ServerCallContext context
    )
    {
        var parent = ResourceName.Require(request.Parent, "parent", ResourceKind.Subscription);
        var region = regions.Require(request.Region, "region");
        new Violations()
            .AddIf(
                request.Justification.Length > LongestJustification,
                "justification",
                $"Must be at most {LongestJustification} characters long."
            )
            .AddIf(!region.Restricted, "region", $"The region {region.Name} is open to every subscription; no access is needed.")
            .ThrowIfAny();
        await access.RequireAsync(context, WriteRequests, parent.Value);
        var made = await regionAccess.RequestAsync(parent.SubscriptionId, region.Name, request.Justification, context.CancellationToken);
        return new V1.RequestRegionAccessResponse { Request = made };
    }

    /// <inheritdoc />
    public override async Task<V1.ListRegionAccessRequestsResponse> ListRegionAccessRequests(
        V1.ListRegionAccessRequestsRequest request,
        ServerCallContext context
    )
    {
        var parent = ResourceName.Require(request.Parent, "parent", ResourceKind.Subscription);
        if (!IsOperator(context))
        {
            await access.RequireAsync(context, ReadRequests, parent.Value);
        }

        var page = PageRequest.From(request.PageSize, request.PageToken, $"region-access:{parent.Key}");
        var (requests, next) = await regionAccess.ListAsync(parent.SubscriptionId, page, context.CancellationToken);
        return new V1.ListRegionAccessRequestsResponse { Requests = { requests }, NextPageToken = next };
    }

    /// <inheritdoc />
    public override async Task<V1.ReviewRegionAccessResponse> ReviewRegionAccess(
        V1.ReviewRegionAccessRequest request,
        ServerCallContext context
    )
    {
        var (subscription, region) = ParseRequestName(request.Name);
        if (request.Decision is not (V1.RegionAccessState.Approved or V1.RegionAccessState.Denied))
        {
            throw GalleryError.InvalidParameter("decision", "Must be APPROVED or DENIED.");
        }

        RequireOperator(context, ReviewRequests, request.Name);
        var reviewed =
            await regionAccess.ReviewAsync(subscription, region, request.Decision, context.CancellationToken)
            ?? throw GalleryError.NotFound("region access request", request.Name);
        return new V1.ReviewRegionAccessResponse { Request = reviewed };
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
            Details = state.State == V1.RegionState.Draining ? "being drained" : state.Record.Details,
            Availability =
                subscription.Length == 0 ? V1.RegionAvailability.Unspecified
                : await regionAccess.IsAvailableAsync(subscription, region, cancellationToken) ? V1.RegionAvailability.Available
                : V1.RegionAvailability.Restricted,
            GrpcUrl = region.GrpcUrl,
            HttpUrl = region.HttpUrl,
            LastSeenTime = state.Record.LastSeenTime,
            UsedBytes = state.Record.UsedBytes,
            AvailableBytes = state.Record.AvailableBytes,
        };

    private (string Subscription, string Region) ParseRequestName(string text) =>
        text.Split('/') is ["subscriptions", var subscription, "regionAccessRequests", var region]
        && Guid.TryParseExact(subscription, "D", out var id)
        && regions.Contains(RegionName.Normalize(region))
            ? (id.ToString("D"), RegionName.Normalize(region))
            : throw GalleryError.InvalidParameter(
                "name",
                "Must be a resource name of the form 'subscriptions/{subscription}/regionAccessRequests/{region}'."
            );

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
