using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Snapshots;

/// <summary>
/// Has the nodes fetch what is to be imported, and commits what has arrived. The nodes do the work and know an import by its id, so that every
/// step may be repeated, by this instance or by another one, after the end of either process.
/// </summary>
internal sealed partial class ImportFollower(
    SnapshotStore store,
    SnapshotCommitter committer,
    ImportSecrets secrets,
    RegionNodes nodes,
    IOptions<SnapshotOptions> options,
    TimeProvider clock,
    ILogger<ImportFollower> logger
)
{
    /// <summary>For how long nobody else looks at an import while it is looked at.</summary>
    private static readonly TimeSpan Claim = TimeSpan.FromMinutes(1);

    /// <summary>Looks at an import: begins it on its node, keeps how far it is, commits it, gives it up, or has it looked at again later.</summary>
    public async Task LookAsync(ResourceName name, string region, CancellationToken stoppingToken)
    {
        var snapshot = await store.ReadAsync(name, stoppingToken);
        if (snapshot is not { State: V1.SnapshotState.Importing } || snapshot.Region != region)
        {
            await store.ForgetImportAsync(name, region, snapshot, stoppingToken);
            return;
        }

        await store.PostponeImportAsync(name, region, Claim, stoppingToken);
        try
        {
            var import = await AskAsync(name, snapshot, stoppingToken);
            await FollowAsync(name, snapshot, import, stoppingToken);
        }
        catch (Exception exception) when (NodeErrors.IsSilence(exception))
        {
            await WaitAsync(name, snapshot, $"The region {region} does not answer ({NodeErrors.Describe(exception)}).", stoppingToken);
        }
        catch (RpcException refused) when (!stoppingToken.IsCancellationRequested)
        {
            await RefusedAsync(name, snapshot, refused, stoppingToken);
        }
    }

    /// <summary>Where the import stands on its node; begun there when no work is running.</summary>
    private async Task<Import> AskAsync(ResourceName name, V1.Snapshot snapshot, CancellationToken stoppingToken)
    {
        var node = nodes[snapshot.Region];
        var known = await GetAsync(node, snapshot.Uid, stoppingToken);
        if (known is not null && known.State != ImportState.Waiting)
        {
            return known;
        }

        if (known is { Details.Length: > 0 } && snapshot.Import.Details != known.Details)
        {
            // It ended early: told first, and begun again after a pause.
            return known;
        }

        var address = secrets.Open(await store.ReadAddressAsync(name, snapshot.Uid, stoppingToken), snapshot.Uid);
        if (address is null)
        {
            return new Import
            {
                State = ImportState.Failed,
                FailureReason = ErrorReason.SourceNotUsable,
                Details = "The address of the source can't be read any more: the gallery's keys have changed. Import it again.",
            };
        }

        var request = new StartImportRequest
        {
            UploadId = snapshot.Uid,
            Uri = address,
            Format = snapshot.Format,
        };
        var started = await node.Pipeline.ExecuteAsync(
            async token => (await node.Imports.StartImportAsync(request, cancellationToken: token)).Import,
            stoppingToken
        );
        if (await store.ReadAsync(name, stoppingToken) is not { } now || now.Uid != snapshot.Uid)
        {
            // Deleted in between: the node may have been told to drop it before it was told to begin it.
            await store.ReleaseAsync(name, snapshot.Region, snapshot.Uid, stoppingToken);
        }

        return started;
    }

    private static async Task<Import?> GetAsync(RegionNode node, string uid, CancellationToken stoppingToken)
    {
        try
        {
            return await node.Pipeline.ExecuteAsync(
                async token =>
                    (await node.Imports.GetImportAsync(new GetImportRequest { UploadId = uid }, cancellationToken: token)).Import,
                stoppingToken
            );
        }
        catch (RpcException unknown) when (GalleryError.ReasonOf(unknown) == ErrorReason.ResourceNotFound)
        {
            return null;
        }
    }

    private async Task FollowAsync(ResourceName name, V1.Snapshot snapshot, Import import, CancellationToken stoppingToken)
    {
        switch (import.State)
        {
            case ImportState.Failed:
                await FailAsync(name, snapshot, import.FailureReason, import.Details, stoppingToken);
                break;
            case ImportState.Arrived:
                snapshot = await KeepAsync(name, snapshot, import, "", stoppingToken) ?? snapshot;
                await committer.TryCommitAsync(name, snapshot, DateTime.UtcNow + options.Value.CommitTimeout, stoppingToken);
                await store.PostponeImportAsync(name, snapshot.Region, options.Value.ImportPollInterval, stoppingToken);
                break;
            case ImportState.Waiting:
                await WaitAsync(name, snapshot, import.Details, stoppingToken, import);
                break;
            default:
                await KeepAsync(name, snapshot, import, "", stoppingToken);
                await store.PostponeImportAsync(name, snapshot.Region, options.Value.ImportPollInterval, stoppingToken);
                break;
        }
    }

    /// <summary>Says why it does not go on, and has it tried again later; gives it up when that has gone on for too long.</summary>
    private async Task WaitAsync(
        ResourceName name,
        V1.Snapshot snapshot,
        string why,
        CancellationToken stoppingToken,
        Import? import = null
    )
    {
        var now = clock.GetUtcNow();
        var since = await store.StallSinceAsync(
            name,
            snapshot.Uid,
            Math.Max(snapshot.Import.DoneBytes, import?.DoneBytes ?? 0),
            now,
            stoppingToken
        );
        if (now - since > options.Value.ImportRetryBudget)
        {
            await FailAsync(
                name,
                snapshot,
                ErrorReason.SourceNotUsable,
                $"Given up: nothing arrived since {since:u}. {why}",
                stoppingToken
            );
            return;
        }

        await KeepAsync(name, snapshot, import, why, stoppingToken);
        var failures = (int)Math.Log2(Math.Max(1, (now - since).TotalSeconds));
        var delay = ImportRules.RetryDelay(failures, options.Value.ImportRetryMaxDelay);
        LogWaits(name.Value, why);
        await store.PostponeImportAsync(name, snapshot.Region, delay, stoppingToken);
    }

    private async Task RefusedAsync(ResourceName name, V1.Snapshot snapshot, RpcException refused, CancellationToken stoppingToken)
    {
        var reason = GalleryError.ReasonOf(refused);
        if (
            SnapshotRules.IsHopeless(reason)
            || reason is ErrorReason.InvalidParameter or ErrorReason.SourceNotUsable or ErrorReason.PropertyChangeNotAllowed
            || reason is ErrorReason.NotSupportedYet or ErrorReason.ContentCorrupt
        )
        {
            await FailAsync(name, snapshot, reason, refused.Status.Detail, stoppingToken);
        }
        else
        {
            await WaitAsync(name, snapshot, refused.Status.Detail, stoppingToken);
        }
    }

    private async Task FailAsync(ResourceName name, V1.Snapshot snapshot, ErrorReason reason, string why, CancellationToken stoppingToken)
    {
        var current = snapshot;
        while (current is { State: V1.SnapshotState.Importing } && current.Uid == snapshot.Uid)
        {
            var failed = current.Clone();
            failed.Etag = Etag.New();
            failed.State = V1.SnapshotState.Failed;
            failed.Import.FailureReason = reason;
            failed.Import.Details = why;
            if (await store.TryFailImportAsync(name, current.Etag, failed, stoppingToken))
            {
                LogFailed(name.Value, why);
                return;
            }

            current = await store.ReadAsync(name, stoppingToken);
        }
    }

    /// <summary>Keeps how far it is, when that has changed.</summary>
    /// <returns>The snapshot as it is kept now; null when somebody else changed it.</returns>
    private async Task<V1.Snapshot?> KeepAsync(
        ResourceName name,
        V1.Snapshot snapshot,
        Import? import,
        string details,
        CancellationToken stoppingToken
    )
    {
        var newer = snapshot.Clone();
        newer.Import.Details = details;
        if (import is not null)
        {
            newer.FileSizeBytes = import.FileSizeBytes;
            newer.Import.DoneBytes = Math.Max(import.DoneBytes, newer.Import.DoneBytes);
            newer.Import.FetchedBytes = import.FetchedBytes;
        }

        if (newer.Equals(snapshot))
        {
            return snapshot;
        }

        newer.Etag = Etag.New();
        return await store.TryUpdateImportAsync(name, snapshot.Etag, newer, stoppingToken) ? newer : null;
    }

    [LoggerMessage(3420, LogLevel.Warning, "The import of snapshot {Snapshot} waits: {Reason}")]
    private partial void LogWaits(string snapshot, string reason);

    [LoggerMessage(3421, LogLevel.Warning, "The import of snapshot {Snapshot} failed: {Reason}")]
    private partial void LogFailed(string snapshot, string reason);
}
