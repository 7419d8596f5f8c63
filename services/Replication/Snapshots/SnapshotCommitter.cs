using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Snapshots;

/// <summary>Makes an upload whose bytes are there immutable, whether they were sent or fetched.</summary>
internal sealed partial class SnapshotCommitter(
    SnapshotStore store,
    RegionNodes nodes,
    IOptions<SnapshotOptions> options,
    TimeProvider clock,
    ILogger<SnapshotCommitter> logger
)
{
    /// <summary>Commits. What can never become a disk is refused; an upload of a client is dropped then.</summary>
    /// <returns>The snapshot, READY; null when it was changed meanwhile.</returns>
    /// <exception cref="RpcException">The node refuses, or does not answer.</exception>
    public async Task<V1.Snapshot?> TryCommitAsync(
        ResourceName name,
        V1.Snapshot snapshot,
        DateTime deadline,
        CancellationToken cancellationToken
    )
    {
        var committed = await CommitAsync(name, snapshot, deadline, cancellationToken);
        if (!await store.TryCommitAsync(name, snapshot.Etag, committed, cancellationToken))
        {
            return null;
        }

        LogCommitted(name.Value, committed.Region, committed.Content.OccupiedSizeBytes);
        return committed;
    }

    /// <summary>Has the node commit the upload. What can never become a disk is dropped, so that nothing of it is left behind.</summary>
    private async Task<V1.Snapshot> CommitAsync(
        ResourceName name,
        V1.Snapshot snapshot,
        DateTime deadline,
        CancellationToken cancellationToken
    )
    {
        CommitUploadResponse answer;
        try
        {
            var limit = DateTime.UtcNow + options.Value.CommitTimeout;
            answer = await nodes[snapshot.Region]
                .Uploads.CommitUploadAsync(
                    new CommitUploadRequest { UploadId = snapshot.Uid },
                    deadline: deadline < limit ? deadline : limit,
                    cancellationToken: cancellationToken
                );
        }
        catch (RpcException error) when (!cancellationToken.IsCancellationRequested)
        {
            if (SnapshotRules.IsHopeless(GalleryError.ReasonOf(error)))
            {
                await DropAsync(name, snapshot, cancellationToken);
                LogRefused(name.Value, error.Status.Detail);
            }

            throw Translate(name, snapshot.Region, error);
        }

        var content = answer.Upload?.Content ?? new ContentDescriptor();
        if (content.VirtualSizeBytes > options.Value.MaxDiskBytes)
        {
            await DropAsync(name, snapshot, cancellationToken);
            throw SnapshotRules.TooLarge(content.VirtualSizeBytes, options.Value.MaxDiskBytes);
        }

        var committed = snapshot.Clone();
        committed.Etag = Etag.New();
        committed.State = V1.SnapshotState.Ready;
        committed.Content = content;
        committed.ReceivedBytes = answer.Upload?.ReceivedBytes ?? 0;
        committed.CommitTime = Timestamp.FromDateTimeOffset(clock.GetUtcNow());
        committed.ExpireTime = null;
        if (answer.DetectedFormat != DiskFormat.Unspecified)
        {
            committed.Format = answer.DetectedFormat;
        }

        return committed;
    }

    /// <summary>What the caller is told of a node's refusal.</summary>
    private RpcException Translate(ResourceName name, string region, RpcException error)
    {
        switch (GalleryError.ReasonOf(error))
        {
            case ErrorReason.InvalidDiskFormat
            or ErrorReason.GallerySourceResourceExceedsMaxSize
            or ErrorReason.UploadIncomplete
            or ErrorReason.StorageExhausted
            or ErrorReason.ContentCorrupt:
                return error.GetRpcStatus()!.ToRpcException();
            case ErrorReason.ResourceNotFound or ErrorReason.ContentNotFound:
                return GalleryError.Create(
                    StatusCode.FailedPrecondition,
                    ErrorReason.UploadIncomplete,
                    $"Nothing was sent for the snapshot '{name.Value}' yet. Upload the file with the grant of CreateSnapshot, then commit."
                );
            case ErrorReason.AuthenticationFailed or ErrorReason.AuthorizationFailed:
                LogNodeFailed(region, name.Value, error.StatusCode, error.Status.Detail);
                return GalleryError.ServiceCredentialsRefused($"region {region}");
            default:
                LogNodeFailed(region, name.Value, error.StatusCode, error.Status.Detail);
                return RegionGate.Unavailable(
                    region,
                    NodeErrors.IsSilence(error) ? NodeErrors.Describe(error) : $"its node answers {error.StatusCode}"
                );
        }
    }

    /// <summary>A failed import stays to be looked at.</summary>
    private Task DropAsync(ResourceName name, V1.Snapshot snapshot, CancellationToken cancellationToken) =>
        snapshot.Import is null ? store.DropUploadAsync(name, snapshot.Uid, cancellationToken) : Task.CompletedTask;

    [LoggerMessage(3400, LogLevel.Information, "Snapshot {Snapshot} is committed in {Region} with {Bytes} occupied bytes")]
    private partial void LogCommitted(string snapshot, string region, long bytes);

    [LoggerMessage(3401, LogLevel.Information, "Snapshot {Snapshot} is dropped: {Reason}")]
    private partial void LogRefused(string snapshot, string reason);

    [LoggerMessage(3402, LogLevel.Warning, "The node of {Region} did not commit {Snapshot}: {Code} {Detail}")]
    private partial void LogNodeFailed(string region, string snapshot, StatusCode code, string detail);
}
