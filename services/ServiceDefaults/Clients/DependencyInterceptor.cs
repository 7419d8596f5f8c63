using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Resilience;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Gallery.ServiceDefaults.Clients;

/// <summary>
/// What every unary call to another service goes through: a deadline, the service's resilience pipeline, one more attempt with a new token
/// when ours was refused. Errors, of streams too, are marked as that service's answer, so that they are not taken for errors of our own
/// caller.
/// </summary>
internal sealed class DependencyInterceptor(string service, TimeSpan defaultDeadline, ResiliencePipeline pipeline, ServiceTokens tokens)
    : Interceptor
{
    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncUnaryCallContinuation<TRequest, TResponse> continuation
    )
    {
        // The deadline is the whole call's, attempts and pauses together.
        var options = context.Options.Deadline is null ? context.Options.WithDeadline(DateTime.UtcNow + defaultDeadline) : context.Options;
        var attempt = new Attempt<TRequest, TResponse>(() =>
            continuation(request, new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, options))
        );
        var response = CallAsync(attempt, Idempotency.MayRepeat(context.Method.Name, request), options.CancellationToken);
        return new AsyncUnaryCall<TResponse>(
            response,
            HeadersAsync(response, attempt),
            attempt.GetStatus,
            attempt.GetTrailers,
            attempt.Dispose
        );
    }

    public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation
    )
    {
        var call = continuation(request, context);
        return new AsyncServerStreamingCall<TResponse>(
            new MarkedStream<TResponse>(call.ResponseStream, service),
            call.ResponseHeadersAsync,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose
        );
    }

    public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation
    )
    {
        var call = continuation(context);
        return new AsyncDuplexStreamingCall<TRequest, TResponse>(
            call.RequestStream,
            new MarkedStream<TResponse>(call.ResponseStream, service),
            call.ResponseHeadersAsync,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose
        );
    }

    public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation
    )
    {
        var call = continuation(context);
        return new AsyncClientStreamingCall<TRequest, TResponse>(
            call.RequestStream,
            MarkAsync(call.ResponseAsync),
            call.ResponseHeadersAsync,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose
        );
    }

    private static async Task<Metadata> HeadersAsync<TRequest, TResponse>(Task<TResponse> response, Attempt<TRequest, TResponse> attempt)
        where TRequest : class
        where TResponse : class
    {
        // Which attempt counts is known at the end only.
        await response;
        return await attempt.Headers;
    }

    private async Task<TResponse> CallAsync<TRequest, TResponse>(
        Attempt<TRequest, TResponse> attempt,
        bool mayRetry,
        CancellationToken cancellationToken
    )
        where TRequest : class
        where TResponse : class
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(GalleryStrategies.MayRetry, mayRetry);
        try
        {
            return await pipeline.ExecuteAsync(static (_, attempt) => new ValueTask<TResponse>(attempt.RunAsync()), context, attempt);
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.Unauthenticated)
        {
            // Refused before anything was done, so any call may be repeated.
            tokens.Forget();
            return await MarkAsync(attempt.RunAsync());
        }
        catch (RpcException error)
        {
            error.MarkAsAnswerOf(service);
            throw;
        }
        catch (Exception exception) when (exception is BrokenCircuitException or TimeoutRejectedException)
        {
            var error = GalleryError.DependencyUnavailable(service);
            error.MarkAsAnswerOf(service);
            throw error;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async Task<TResponse> MarkAsync<TResponse>(Task<TResponse> response)
    {
        try
        {
            return await response;
        }
        catch (RpcException error)
        {
            error.MarkAsAnswerOf(service);
            throw;
        }
    }

    /// <summary>The attempt that is being made.</summary>
    private sealed class Attempt<TRequest, TResponse>(Func<AsyncUnaryCall<TResponse>> start)
        where TRequest : class
        where TResponse : class
    {
        private AsyncUnaryCall<TResponse>? _call;

        public Task<Metadata> Headers => _call!.ResponseHeadersAsync;

        public async Task<TResponse> RunAsync()
        {
            _call?.Dispose();
            _call = start();
            return await _call.ResponseAsync;
        }

        public Status GetStatus() => _call!.GetStatus();

        public Metadata GetTrailers() => _call!.GetTrailers();

        public void Dispose() => _call?.Dispose();
    }
}
