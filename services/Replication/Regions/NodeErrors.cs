using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Resilience;
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
    public static string Describe(Exception error) => Silence.Describe(error);
}
