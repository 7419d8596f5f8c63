using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Gallery.Catalog.Tests.Support;

/// <summary>Nothing in a test waits for ever: what hangs fails.</summary>
public static class Bounded
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Waits for the next message of a stream.</summary>
    public static async Task<bool> NextAsync<T>(this IAsyncStreamReader<T> stream)
    {
        using var limit = new CancellationTokenSource(Limit);
        return await stream.MoveNext(limit.Token);
    }

    /// <summary>Gives every unary call a deadline.</summary>
    public sealed class DeadlineInterceptor : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request,
            ClientInterceptorContext<TRequest, TResponse> context,
            AsyncUnaryCallContinuation<TRequest, TResponse> continuation
        ) =>
            continuation(
                request,
                new ClientInterceptorContext<TRequest, TResponse>(
                    context.Method,
                    context.Host,
                    context.Options.WithDeadline(DateTime.UtcNow + Limit)
                )
            );
    }
}
