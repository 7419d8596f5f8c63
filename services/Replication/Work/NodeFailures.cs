using Gallery.Contracts.Common.V1;
using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;
using Polly.CircuitBreaker;

namespace Gallery.Replication.Work;

/// <summary>Turns what went wrong at a node into words for the status row, and into what to wait for. Pure.</summary>
internal static class NodeFailures
{
    private const int LongestMessage = 300;

    /// <summary>Why an attempt at a node failed.</summary>
    /// <param name="region">The node's region.</param>
    /// <param name="error">What went wrong.</param>
    /// <param name="source">The first other region that bytes were to come from; empty when there was none.</param>
    public static WorkFailure Of(string region, Exception error, string source = "")
    {
        if (NodeErrors.IsSilence(error))
        {
            var pause = (error as BrokenCircuitException)?.RetryAfter;
            return new WorkFailure($"{region} does not answer ({NodeErrors.Describe(error)})", region, RetryAfter: pause);
        }

        if (error is not RpcException refused)
        {
            return new WorkFailure($"{region}: {Shorten(error.Message)}", region);
        }

        return GalleryError.ReasonOf(refused) switch
        {
            // The node answers, and somebody it needs does not.
            ErrorReason.RegionUnavailable => new WorkFailure($"{region}: {Message(refused)}", source.Length > 0 ? source : region),
            ErrorReason.ResourceMarkedForDeletion => new WorkFailure($"{region} ended the work", region),
            ErrorReason.ContentNotFound => new WorkFailure($"{region} found its content nowhere: {Message(refused)}"),
            ErrorReason.StorageExhausted => new WorkFailure($"{region} has no room left: {Message(refused)}"),
            ErrorReason.Fenced => new WorkFailure($"{region} knows a newer holder of the work"),
            ErrorReason.GrantNotValid or ErrorReason.AuthenticationFailed or ErrorReason.AuthorizationFailed => new WorkFailure(
                $"{region} refused the gallery's token: {Message(refused)}"
            ),
            _ when refused.StatusCode is StatusCode.Unauthenticated or StatusCode.PermissionDenied => new WorkFailure(
                $"{region} refused the gallery's token"
            ),
            _ => new WorkFailure($"{region} answered {refused.StatusCode}: {Message(refused)}"),
        };
    }

    private static string Message(RpcException error) => Shorten(error.Status.Detail);

    private static string Shorten(string text)
    {
        var line = text.ReplaceLineEndings(" ").TrimEnd('.', ' ');
        return line.Length <= LongestMessage ? line : line[..LongestMessage] + "…";
    }
}
