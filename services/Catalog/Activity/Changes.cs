using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;
using Grpc.Core;

namespace Gallery.Catalog.Activity;

/// <summary>
/// The frame around every change: the caller is authorised, a repeated request gets its first answer, and what is refused is logged.
/// </summary>
internal sealed class Changes(IAccessChecker access, RedisStore store, ActivityLog log)
{
    /// <summary>Carries out a change.</summary>
    /// <typeparam name="TResponse">The answer's message.</typeparam>
    /// <param name="call">The call.</param>
    /// <param name="name">The resource that is changed, or the one that holds it when it can't be named.</param>
    /// <param name="action">The action to ask for.</param>
    /// <param name="request">The request, with its <c>request_id</c> and <c>validate_only</c>.</param>
    /// <param name="requestId">The request's <c>request_id</c>.</param>
    /// <param name="validateOnly">The request's <c>validate_only</c>.</param>
    /// <param name="body">Checks and does it.</param>
    public async Task<TResponse> RunAsync<TResponse>(
        ServerCallContext call,
        ResourceName name,
        string action,
        IMessage request,
        string requestId,
        bool validateOnly,
        Func<Change, Task<TResponse>> body
    )
        where TResponse : class, IMessage<TResponse>, new()
    {
        var caller = await access.RequireAsync(call, action, name.Value);
        var partition = store.PartitionOf(name.SubscriptionId);
        var memo = RequestMemo.For(partition, name.SubscriptionId, requestId, call.Method, request);
        var change = new Change(call, caller, name, action, requestId, validateOnly, validateOnly ? null : memo, partition);
        try
        {
            return await store.FindAnswerAsync(change.Memo, new MessageParser<TResponse>(() => new TResponse()), call.CancellationToken)
                ?? await body(change);
        }
        catch (RpcException refused) when (!validateOnly && IsRefusal(refused))
        {
            await log.RefusedAsync(change, refused);
            throw;
        }
    }

    // Refused for what was asked; not for who asked, nor because something was down.
    private static bool IsRefusal(RpcException error) =>
        error.StatusCode
            is StatusCode.InvalidArgument
                or StatusCode.NotFound
                or StatusCode.AlreadyExists
                or StatusCode.FailedPrecondition
                or StatusCode.Aborted
                or StatusCode.ResourceExhausted
                or StatusCode.Unimplemented
        && GalleryError.ReasonOf(error) != Contracts.Common.V1.ErrorReason.Unspecified;
}

/// <summary>Registers changes and their log.</summary>
internal static class ChangesExtensions
{
    public static WebApplicationBuilder AddChanges(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ActivityOptions>().BindConfiguration("Activity").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ActivityLog>();
        builder.Services.AddSingleton<Changes>();
        return builder;
    }
}
