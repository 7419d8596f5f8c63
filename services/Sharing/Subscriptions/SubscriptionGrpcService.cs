using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.Sharing.Access;
using Gallery.Sharing.Assignments;
using Grpc.Core;

namespace Gallery.Sharing.Subscriptions;

/// <summary>Shows callers the subscriptions that they have to do with.</summary>
internal sealed class SubscriptionGrpcService(SubscriptionStore subscriptions, GrantStore grants)
    : SubscriptionService.SubscriptionServiceBase
{
    private const string ReadAction = "Microsoft.Resources/subscriptions/read";

    public override async Task<GetSubscriptionResponse> GetSubscription(GetSubscriptionRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.Subscription);
        var caller = Caller.From(context);
        if (
            caller.ServiceName is null
            && await grants.WithRolesAsync(name.SubscriptionId, Holder.Of(caller.Principal), context.CancellationToken) is []
        )
        {
            throw GalleryError.AuthorizationFailed(ReadAction, name.Value);
        }

        var subscription = await subscriptions.FindAsync(name.SubscriptionId, context.CancellationToken);
        return new GetSubscriptionResponse { Subscription = subscription ?? throw GalleryError.NotFound("subscription", name.Value) };
    }

    public override async Task<ListSubscriptionsResponse> ListSubscriptions(ListSubscriptionsRequest request, ServerCallContext context)
    {
        var holders = Holder.Of(Caller.From(context).Principal);
        var page = PageRequest.From(request.PageSize, request.PageToken, "subscriptions");
        var (ids, more) = await subscriptions.HeldAsync(holders, page.After, page.Size, context.CancellationToken);
        return new ListSubscriptionsResponse
        {
            Subscriptions = { await subscriptions.FindAsync(ids, context.CancellationToken) },
            NextPageToken = more ? page.TokenAfter(ids[^1]) : "",
        };
    }
}
