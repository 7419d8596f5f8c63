using System.Diagnostics;
using Gallery.Contracts.Common.V1;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Gallery.ServiceDefaults.Errors;

/// <summary>The outermost frame of every rpc: nothing but errors made by <see cref="GalleryError"/> leaves it.</summary>
internal sealed partial class ErrorInterceptor(ILogger<ErrorInterceptor> logger) : Interceptor
{
    internal static readonly object Entered = new();

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    ) => GuardAsync(context, () => continuation(request, context));

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        ServerCallContext context,
        ClientStreamingServerMethod<TRequest, TResponse> continuation
    ) => GuardAsync(context, () => continuation(requestStream, context));

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    ) => GuardAsync(context, () => Unit(continuation(request, responseStream, context)));

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation
    ) => GuardAsync(context, () => Unit(continuation(requestStream, responseStream, context)));

    /// <summary>What finds a call in logs and traces.</summary>
    internal static string RequestIdOf(HttpContext http) => Activity.Current?.TraceId.ToHexString() ?? http.TraceIdentifier;

    private static async Task<bool> Unit(Task task)
    {
        await task;
        return true;
    }

    private async Task<T> GuardAsync<T>(ServerCallContext context, Func<Task<T>> call)
    {
        var http = context.GetHttpContext();
        http.Items[Entered] = true;
        try
        {
            return await call();
        }
        catch (Exception exception)
        {
            var requestId = RequestIdOf(http);
            var (error, defect) = ErrorMapping.Map(exception, requestId, context.CancellationToken);
            if (defect)
            {
                LogDefect(exception, context.Method, requestId);
            }
            else if (GalleryError.ReasonOf(error) == ErrorReason.ServiceCredentialsRefused)
            {
                LogMisconfigured(exception, context.Method);
            }
            else if (error.StatusCode == StatusCode.Unavailable)
            {
                LogUnavailable(exception, context.Method);
            }

            throw error;
        }
    }

    [LoggerMessage(1, LogLevel.Error, "{Method} failed; the caller was given request id {RequestId}")]
    private partial void LogDefect(Exception exception, string method, string requestId);

    [LoggerMessage(2, LogLevel.Warning, "{Method} was answered with UNAVAILABLE")]
    private partial void LogUnavailable(Exception exception, string method);

    [LoggerMessage(3, LogLevel.Error, "{Method} was answered with UNAVAILABLE: a service refuses this service's credentials")]
    private partial void LogMisconfigured(Exception exception, string method);
}
