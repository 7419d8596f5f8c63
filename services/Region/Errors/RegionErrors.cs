using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Gallery.Region.Errors;

/// <summary>How the engine's failures look from outside.</summary>
internal static class RegionErrors
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BusyRetry = TimeSpan.FromSeconds(1);

    /// <summary>The gRPC status of a reason, as `errors.proto` has it.</summary>
    public static StatusCode StatusOf(ErrorReason reason) =>
        reason switch
        {
            ErrorReason.InvalidParameter
            or ErrorReason.GallerySourceResourceExceedsMaxSize
            or ErrorReason.InvalidDiskFormat
            or ErrorReason.DigestMismatch => StatusCode.InvalidArgument,
            ErrorReason.ResourceNotFound or ErrorReason.ContentNotFound => StatusCode.NotFound,
            ErrorReason.StorageExhausted or ErrorReason.ReplicaBusy => StatusCode.ResourceExhausted,
            ErrorReason.AuthenticationFailed => StatusCode.Unauthenticated,
            ErrorReason.GrantNotValid => StatusCode.PermissionDenied,
            ErrorReason.ContentCorrupt => StatusCode.DataLoss,
            ErrorReason.RegionUnavailable => StatusCode.Unavailable,
            ErrorReason.NotSupportedYet => StatusCode.Unimplemented,
            ErrorReason.OutOfRange => StatusCode.OutOfRange,
            _ => StatusCode.FailedPrecondition,
        };

    /// <summary>The HTTP status of a reason.</summary>
    public static int HttpStatusOf(ErrorReason reason) =>
        StatusOf(reason) switch
        {
            StatusCode.InvalidArgument => StatusCodes.Status400BadRequest,
            StatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
            StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
            StatusCode.NotFound => StatusCodes.Status404NotFound,
            StatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
            StatusCode.ResourceExhausted => reason == ErrorReason.ReplicaBusy
                ? StatusCodes.Status429TooManyRequests
                : StatusCodes.Status507InsufficientStorage,
            StatusCode.FailedPrecondition => StatusCodes.Status409Conflict,
            _ => StatusCodes.Status500InternalServerError,
        };

    /// <summary>The failure as a rich gRPC error.</summary>
    public static RpcException ToRpc(RegionException exception) =>
        RetryAfter(exception.Reason) is { } delay
            ? GalleryError.Create(
                StatusOf(exception.Reason),
                exception.Reason,
                exception.Message,
                exception.Details,
                new RetryInfo { RetryDelay = Duration.FromTimeSpan(delay) }
            )
            : GalleryError.Create(StatusOf(exception.Reason), exception.Reason, exception.Message, exception.Details);

    /// <summary>When it is worth trying again; null when waiting alone does not help.</summary>
    public static TimeSpan? RetryAfter(ErrorReason reason) =>
        reason switch
        {
            ErrorReason.RegionUnavailable => Retry,
            ErrorReason.ReplicaBusy => BusyRetry,
            _ => null,
        };
}

/// <summary>Turns the engine's failures into rich gRPC errors, whichever rpc they leave.</summary>
internal sealed class RegionErrorInterceptor : Interceptor
{
    /// <inheritdoc/>
    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    ) => GuardAsync(() => continuation(request, context));

    /// <inheritdoc/>
    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation
    ) => GuardAsync(() => continuation(requestStream, context));

    /// <inheritdoc/>
    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    ) =>
        GuardAsync(async () =>
        {
            await continuation(request, responseStream, context);
            return true;
        });

    private static async Task<T> GuardAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (RegionException exception)
        {
            throw RegionErrors.ToRpc(exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A disk of the node fails: that is no fault of the caller, and may pass.
            throw RegionErrors.ToRpc(
                new RegionException(ErrorReason.RegionUnavailable, $"The node's storage fails: {exception.Message}", exception)
            );
        }
    }
}
