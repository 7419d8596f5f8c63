using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Replication.Work;

/// <summary>Holds what goes wrong with copies against the regions that it is the fault of.</summary>
internal sealed partial class CopyFaults(RegionFaults faults, ILogger<CopyFaults> logger)
{
    /// <summary>A copy failed: the node does not answer, or it names the source that failed.</summary>
    public async Task FailedAsync(string target, Exception error, CancellationToken cancellationToken)
    {
        if (NodeErrors.IsSilence(error))
        {
            await RecordAsync(target, $"copying into it: {NodeErrors.Describe(error)}", cancellationToken);
        }
        else if (error is RpcException refused && GalleryError.MetadataOf(refused).TryGetValue("source", out var source))
        {
            await RecordAsync(source, $"copying from it to {target}: {refused.Status.Detail.TrimEnd('.')}", cancellationToken);
        }
    }

    /// <summary>A copy succeeded: sources that came before the one it came from in the end did not give it.</summary>
    public async Task CompletedAsync(string target, SourceChoice choice, CompletedCopy copy, CancellationToken cancellationToken)
    {
        if (choice.Siblings.Count + choice.Uploads.Count > 0 || !choice.Regions.Contains(copy.SourceRegion))
        {
            return;
        }

        foreach (var source in choice.Regions.TakeWhile(source => source != copy.SourceRegion))
        {
            await RecordAsync(source, $"copying from it to {target}, which went on with {copy.SourceRegion}", cancellationToken);
        }
    }

    private async Task RecordAsync(string region, string reason, CancellationToken cancellationToken)
    {
        try
        {
            await faults.RecordAsync(region, reason, cancellationToken);
        }
        catch (Exception exception) when (RedisErrors.Is(exception))
        {
            LogNotRecorded(region, exception.Message); // What it says of the region's health is worth less than the work.
        }
    }

    [LoggerMessage(3314, LogLevel.Debug, "A failed copy could not be held against region {Region}: {Reason}")]
    private partial void LogNotRecorded(string region, string reason);
}
