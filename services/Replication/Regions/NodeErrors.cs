using System.Net.Sockets;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace Gallery.Replication.Regions;

/// <summary>Says in words what went wrong with a node.</summary>
internal static class NodeErrors
{
    /// <summary>Whether the node did not answer, as opposed to having refused.</summary>
    public static bool IsSilence(Exception error) =>
        error switch
        {
            RpcException refused => GalleryError.ReasonOf(refused) == ErrorReason.Unspecified
                && (
                    refused.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded
                    // A node that is killed while it answers breaks the connection, which the library tells as INTERNAL.
                    || refused.Status.DebugException is IOException or HttpRequestException
                ),
            TimeoutRejectedException or BrokenCircuitException or HttpRequestException or TimeoutException => true,
            _ => false,
        };

    /// <summary>Why it did not answer: <c>connection refused</c>.</summary>
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
