using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Events;

/// <summary>Lets an owner look at the events that this service could not handle, and have them handled once more.</summary>
internal sealed class DeadLetterGrpcService(DeadLetterStore letters, IAccessChecker access) : DeadLetterService.DeadLetterServiceBase
{
    /// <summary>Only owners may: it is an authorization write, which no other role has.</summary>
    public const string Action = "Microsoft.Authorization/deadLetters/write";

    public override async Task<ListDeadLettersResponse> ListDeadLetters(ListDeadLettersRequest request, ServerCallContext context)
    {
        var subscription = await AuthoriseAsync(request.Parent, context);
        var page = PageRequest.From(request.PageSize, request.PageToken, $"{subscription.Key}/deadLetters");
        var (found, next) = await letters.ListAsync(subscription.SubscriptionId, page);
        return new ListDeadLettersResponse { DeadLetters = { found }, NextPageToken = next };
    }

    public override async Task<GetDeadLetterResponse> GetDeadLetter(GetDeadLetterRequest request, ServerCallContext context)
    {
        var subscription = await AuthoriseAsync(request.Parent, context);
        var letter = await letters.FindAsync(subscription.SubscriptionId, RequireId(request.Id));
        return new GetDeadLetterResponse { DeadLetter = letter ?? throw NotFound(subscription, request.Id) };
    }

    public override async Task<RedriveDeadLetterResponse> RedriveDeadLetter(RedriveDeadLetterRequest request, ServerCallContext context)
    {
        var subscription = await AuthoriseAsync(request.Parent, context);
        return await letters.RedriveAsync(subscription.SubscriptionId, RequireId(request.Id))
            ? new RedriveDeadLetterResponse()
            : throw NotFound(subscription, request.Id);
    }

    public override async Task<DiscardDeadLetterResponse> DiscardDeadLetter(DiscardDeadLetterRequest request, ServerCallContext context)
    {
        var subscription = await AuthoriseAsync(request.Parent, context);
        await letters.DiscardAsync(subscription.SubscriptionId, RequireId(request.Id));
        return new DiscardDeadLetterResponse();
    }

    private static string RequireId(string id) =>
        DeadLetterStore.IsId(id)
            ? id
            : throw GalleryError.InvalidParameter("id", "Must be the id of a dead letter, as ListDeadLetters gives it.");

    private static RpcException NotFound(ResourceName subscription, string id) =>
        GalleryError.NotFound("dead letter", $"{subscription}/deadLetters/{id}");

    private async Task<ResourceName> AuthoriseAsync(string parent, ServerCallContext context)
    {
        var subscription = ResourceName.Require(parent, "parent", ResourceKind.Subscription);
        await access.RequireAsync(context, Action, subscription.Value, context.CancellationToken);
        return subscription;
    }
}
