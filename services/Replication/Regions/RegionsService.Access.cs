using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Regions;

internal sealed partial class RegionsService
{
    private const string ReadRequests = "Gallery.Replication/regionAccessRequests/read";
    private const string WriteRequests = "Gallery.Replication/regionAccessRequests/write";
    private const string ReviewRequests = "Gallery.Replication/regionAccessRequests/review";
    private const string AllSubscriptions = "subscriptions/-";

    /// <inheritdoc />
    public override async Task<V1.RequestRegionAccessResponse> RequestRegionAccess(
        V1.RequestRegionAccessRequest request,
        ServerCallContext context
    )
    {
        var parent = ResourceName.Require(request.Parent, "parent", ResourceKind.Subscription);
        var region = regions.Require(request.Region, "region");
        RequireShort(request.Justification, "justification");
        if (!region.Restricted)
        {
            throw GalleryError.InvalidParameter("region", $"The region {region.Name} is open to every subscription; no access is needed.");
        }

        var caller = await access.RequireAsync(context, WriteRequests, parent.Value);
        var made = await regionAccess.RequestAsync(
            parent.SubscriptionId,
            region.Name,
            request.Justification,
            caller.Principal,
            context.CancellationToken
        );
        return new V1.RequestRegionAccessResponse { Request = made };
    }

    /// <inheritdoc />
    public override async Task<V1.ListRegionAccessRequestsResponse> ListRegionAccessRequests(
        V1.ListRegionAccessRequestsRequest request,
        ServerCallContext context
    )
    {
        var (requests, next) =
            request.Parent == AllSubscriptions
                ? await ListAllAsync(request, context)
                : await ListOneAsync(request, ResourceName.Require(request.Parent, "parent", ResourceKind.Subscription), context);
        return new V1.ListRegionAccessRequestsResponse
        {
            Requests = { requests.Where(each => request.State is V1.RegionAccessState.Unspecified || each.State == request.State) },
            NextPageToken = next,
        };
    }

    /// <inheritdoc />
    public override async Task<V1.ReviewRegionAccessResponse> ReviewRegionAccess(
        V1.ReviewRegionAccessRequest request,
        ServerCallContext context
    )
    {
        var (subscription, region) = ParseRequestName(request.Name);
        CheckDecision(request);
        RequireOperator(context, ReviewRequests, request.Name);
        var decision = new AccessDecision(request.Decision, request.Reason, request.ExpireTime, Caller.From(context).Principal);
        var reviewed =
            await regionAccess.ReviewAsync(subscription, region, decision, context.CancellationToken)
            ?? throw GalleryError.NotFound("region access request", request.Name);
        return new V1.ReviewRegionAccessResponse { Request = reviewed };
    }

    private async Task<(IReadOnlyList<V1.RegionAccessRequest> Requests, string Next)> ListAllAsync(
        V1.ListRegionAccessRequestsRequest request,
        ServerCallContext context
    )
    {
        RequireOperator(context, ReadRequests, request.Parent);
        var page = PageRequest.From(request.PageSize, request.PageToken, $"region-access:-:{request.State}");
        return await regionAccess.ListAllAsync(page, context.CancellationToken);
    }

    private async Task<(IReadOnlyList<V1.RegionAccessRequest> Requests, string Next)> ListOneAsync(
        V1.ListRegionAccessRequestsRequest request,
        ResourceName parent,
        ServerCallContext context
    )
    {
        if (!IsOperator(context))
        {
            await access.RequireAsync(context, ReadRequests, parent.Value);
        }

        var page = PageRequest.From(request.PageSize, request.PageToken, $"region-access:{parent.Key}:{request.State}");
        return await regionAccess.ListAsync(parent.SubscriptionId, page, context.CancellationToken);
    }

    private void CheckDecision(V1.ReviewRegionAccessRequest request)
    {
        var approves = request.Decision == V1.RegionAccessState.Approved;
        var violations = new Violations()
            .AddIf(
                !approves && request.Decision is not (V1.RegionAccessState.Denied or V1.RegionAccessState.Revoked),
                "decision",
                "Must be APPROVED, DENIED or REVOKED."
            )
            .AddIf(
                !approves && string.IsNullOrWhiteSpace(request.Reason),
                "reason",
                "Required unless approved: the subscription is shown it."
            )
            .AddIf(request.Reason.Length > LongestText, "reason", $"Must be at most {LongestText} characters long.");
        if (request.ExpireTime is { } end)
        {
            violations
                .AddIf(!approves, "expire_time", "Only an approval ends.")
                .AddIf(!IsAhead(end), "expire_time", "Must be in the future.");
        }

        violations.ThrowIfAny();
    }

    private bool IsAhead(Timestamp time)
    {
        try
        {
            return time.ToDateTimeOffset() > clock.GetUtcNow();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
        {
            return false; // Beyond the years 1 to 9999.
        }
    }

    private (string Subscription, string Region) ParseRequestName(string text) =>
        text.Split('/') is ["subscriptions", var subscription, "regionAccessRequests", var region]
        && Guid.TryParseExact(subscription, "D", out var id)
        && regions.Contains(RegionName.Normalize(region))
            ? (id.ToString("D"), RegionName.Normalize(region))
            : throw GalleryError.InvalidParameter(
                "name",
                "Must be a resource name of the form 'subscriptions/{subscription}/regionAccessRequests/{region}'."
            );
}
