using Gallery.Cli.Errors;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Gallery.Cli.Endpoints;

/// <summary>
/// Gives unary calls a deadline where they have none, and notes on a failed call which service it went to, so that "does not answer" can
/// say who.
/// </summary>
internal sealed class CallNotes(Callee callee, TimeProvider time) : Interceptor
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
        TRequest request,
        ClientInterceptorContext<TRequest, TResponse> context,
        AsyncUnaryCallContinuation<TRequest, TResponse> continuation
    )
    {
        var options = context.Options.Deadline is null
            ? context.Options.WithDeadline(time.GetUtcNow().UtcDateTime + Deadline)
            : context.Options;
        var call = continuation(request, new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, options));
        return new AsyncUnaryCall<TResponse>(
            NoteAsync(call.ResponseAsync),
            call.ResponseHeadersAsync,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose
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
            new NotingReader<TResponse>(this, call.ResponseStream),
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
            NoteAsync(call.ResponseAsync),
            call.ResponseHeadersAsync,
            call.GetStatus,
            call.GetTrailers,
            call.Dispose
        );
    }

    private async Task<T> NoteAsync<T>(Task<T> answer)
    {
        try
        {
            return await answer;
        }
        catch (RpcException refused)
        {
            callee.NoteOn(refused);
            throw;
        }
    }

    private sealed class NotingReader<T>(CallNotes notes, IAsyncStreamReader<T> inner) : IAsyncStreamReader<T>
    {
        public T Current => inner.Current;

        public Task<bool> MoveNext(CancellationToken cancellationToken) => notes.NoteAsync(inner.MoveNext(cancellationToken));
    }
}
