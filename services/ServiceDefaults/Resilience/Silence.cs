using System.Net.Sockets;
using Grpc.Core;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Gallery.ServiceDefaults.Resilience;

/// <summary>Says in a few words why somebody does not answer.</summary>
public static class Silence
{
    /// <summary>The reason, without a full stop: <c>connection refused</c>.</summary>
    /// <param name="error">What went wrong; what caused it counts, however deep it lies.</param>
    public static string Describe(Exception error)
    {
        for (var cause = error; cause is not null; cause = Inner(cause))
        {
            if (cause is SocketException socket)
            {
                return socket.SocketErrorCode switch
                {
                    SocketError.ConnectionRefused => "connection refused",
                    SocketError.ConnectionReset => "connection reset",
                    SocketError.TimedOut => "connecting timed out",
                    SocketError.HostNotFound or SocketError.NoData => "host not found",
                    SocketError.HostUnreachable or SocketError.NetworkUnreachable => "host unreachable",
                    _ => "network error",
                };
            }
        }

        return error switch
        {
            RpcException { StatusCode: StatusCode.DeadlineExceeded } or TimeoutRejectedException or TimeoutException => "no answer in time",
            BrokenCircuitException => "calls are suspended after repeated failures",
            _ => "connection lost",
        };
    }

    private static Exception? Inner(Exception error) => error.InnerException ?? (error as RpcException)?.Status.DebugException;
}
