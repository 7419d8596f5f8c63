using System.Collections.Concurrent;
using System.Text.Json;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Content;
using Gallery.Region.Manifests;
using Gallery.Region.Node;
using Gallery.Region.Stores;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Replicas;

/// <summary>
/// The replicas of the node. A replica is asked for, pulled by one job at a time, ready, and dropped in the end. Its record lies in its own
/// store and says "ready" only after all of its bytes are durable and checked.
/// </summary>
internal sealed partial class ReplicaManager(
    StoreSet stores,
    SourceOpener sources,
    HeldContents held,
    BlockBatchPool pool,
    RegionTelemetry telemetry,
    IOptions<RegionOptions> options,
    TimeProvider time,
    ILogger<ReplicaManager> logger
) : IAsyncDisposable
{
    private const string Kind = "replicas";

    /// <summary>Disks with fewer occupied bytes travel whole: looking for a similar one costs more.</summary>
    private const long SmallDisk = 4L << 20;
    private const int EarlierLooked = 8;
    private static readonly TimeSpan TombstoneLifetime = TimeSpan.FromDays(1);
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Replica> _replicas = new(StringComparer.Ordinal);
    private readonly HashSet<StoreName> _unreadable = [];
    private readonly SemaphoreSlim _slots = new(options.Value.MaxRunningPulls, options.Value.MaxRunningPulls);

    /// <summary>Replicas that are complete.</summary>
    public long ReadyCount => _replicas.Values.LongCount(replica => replica.Record?.Phase == ReplicaPhase.Ready);

    /// <summary>Pulls that are running or wait for their turn.</summary>
    public int RunningPulls => _replicas.Values.Count(replica => replica.Job is { IsRunning: true });

    /// <summary>Reads back what the node had when it stopped.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        foreach (var store in stores.Stores.Where(store => store.Name.IsReplicaStore))
        {
            foreach (var id in await store.Records.ListAsync(Kind, cancellationToken))
            {
                try
                {
                    if (await store.Records.TryGetAsync(Kind, id, cancellationToken) is { } bytes)
                    {
                        var record = JsonSerializer.Deserialize(bytes, ReplicaJson.Default.ReplicaRecord)!;
                        _replicas[id] = new Replica(id, record);
                        Hold(record, store);
                    }
                }
                catch (Exception exception) when (exception is RegionException or JsonException or IOException)
                {
                    _unreadable.Add(store.Name);
                    LogUnreadable(exception, id, $"{store.Name}");
                }
            }
        }
    }

    /// <summary>Begins to pull a replica, joins the pull that is running, or finds it ready.</summary>
    /// <exception cref="RegionException">The token is out of date, the replica was dropped, or it is another one by that name.</exception>
    public async Task<Replica> PullAsync(PullOrder order, CancellationToken cancellationToken)
    {
        var store = stores.Get(order.Store);
        var replica = _replicas.GetOrAdd(order.ReplicaId, id => new Replica(id));
        using (await replica.EnterAsync(cancellationToken))
        {
            var record = await ChangeAsync(replica, current => Admit(current, order), cancellationToken);
            if (record.Phase == ReplicaPhase.Pulling && replica.Job is not { IsRunning: true })
            {
                StartJob(replica, order, store);
            }

            return replica;
        }
    }

    /// <summary>Finds a replica.</summary>
    /// <exception cref="RegionException">There is none.</exception>
    public ReplicaView Get(string id) =>
        _replicas.TryGetValue(id, out var replica) && replica.View() is { } view
            ? view
            : throw new RegionException(ErrorReason.ResourceNotFound, $"There is no replica {id} on this node.");

    /// <summary>Some replicas in the order of their ids, behind one id.</summary>
    public List<ReplicaView> List(string after, int count) =>
        [
            .. _replicas
                .Values.Where(replica => string.CompareOrdinal(replica.Id, after) > 0)
                .OrderBy(replica => replica.Id, StringComparer.Ordinal)
                .Select(replica => replica.View())
                .OfType<ReplicaView>()
                .Take(count),
        ];

    /// <summary>Drops a replica and ends work on it; no error when there is none.</summary>
    /// <returns>The store whose bytes may be freed; null when nothing was there.</returns>
    /// <exception cref="RegionException">The token is out of date.</exception>
    public async Task<StoreName?> DropAsync(string id, long fencingToken, CancellationToken cancellationToken)
    {
        if (!_replicas.TryGetValue(id, out var replica))
        {
            return null;
        }

        using (await replica.EnterAsync(cancellationToken))
        {
            if (replica.Record is not { } record)
            {
                return null;
            }

            RequireCurrent(record, fencingToken);
            if (record.Phase == ReplicaPhase.Dropped)
            {
                return null;
            }

            if (replica.Job is { } job)
            {
                await job.DisposeAsync();
                replica.Job = null;
            }

            await ChangeAsync(
                replica,
                current =>
                    current! with
                    {
                        Phase = ReplicaPhase.Dropped,
                        FencingToken = fencingToken,
                        DropTime = time.GetUtcNow(),
                        Disks = [],
                    },
                cancellationToken
            );
            foreach (var disk in record.Disks)
            {
                held.Remove(disk.Content, id);
            }

            LogDropped(id);
            return record.Store;
        }
    }

    /// <summary>Marks all blocks that the replicas of a store need.</summary>
    public async ValueTask MarkAsync(RegionStore store, ILiveBlocks live, CancellationToken cancellationToken)
    {
        if (_unreadable.Contains(store.Name))
        {
            throw new RegionException(ErrorReason.ContentCorrupt, "A replica's record can't be read: nobody knows which blocks it needs.");
        }

        foreach (var record in _replicas.Values.Select(replica => replica.Record).OfType<ReplicaRecord>())
        {
            foreach (var disk in record.Store == store.Name ? record.Disks : [])
            {
                await ManifestMarker.MarkAsync(store, disk.Content, record.Phase == ReplicaPhase.Ready, live, cancellationToken);
            }
        }
    }

    /// <summary>Forgets replicas that were dropped long ago.</summary>
    public async Task ForgetDroppedAsync(CancellationToken cancellationToken)
    {
        foreach (var replica in _replicas.Values)
        {
            if (replica.Record is { Phase: ReplicaPhase.Dropped } record && record.DropTime + TombstoneLifetime < time.GetUtcNow())
            {
                await stores.Get(record.Store).Records.DeleteAsync(Kind, replica.Id, cancellationToken);
                _replicas.TryRemove(replica.Id, out _);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_replicas.Values.Select(replica => replica.Job?.DisposeAsync().AsTask() ?? Task.CompletedTask));
        _slots.Dispose();
    }

    /// <summary>The record that an order leads to: the one there is, with a newer token, or a new one.</summary>
    private static ReplicaRecord Admit(ReplicaRecord? record, PullOrder order)
    {
        if (record is null)
        {
            return new ReplicaRecord
            {
                Id = order.ReplicaId,
                FencingToken = order.FencingToken,
                StorageAccountType = order.Store.Type,
                Ordinal = order.Store.Ordinal,
                Disks = order.Disks,
                Phase = ReplicaPhase.Pulling,
            };
        }

        RequireCurrent(record, order.FencingToken);
        if (record.Phase == ReplicaPhase.Dropped)
        {
            throw new RegionException(
                ErrorReason.ResourceMarkedForDeletion,
                $"The replica {record.Id} was dropped; a new one takes a new id."
            );
        }

        if (record.Store != order.Store || !record.Disks.SequenceEqual(order.Disks))
        {
            throw new RegionException(
                ErrorReason.PropertyChangeNotAllowed,
                $"The replica {record.Id} is in the store {record.Store} with other disks; a replica never changes."
            )
            {
                Details = new Dictionary<string, string>
                {
                    ["target"] = record.Store != order.Store ? "store" : "disks",
                    ["current"] =
                        record.Store != order.Store ? $"{record.Store}" : string.Join(' ', record.Disks.Select(disk => disk.Digest)),
                    ["requested"] =
                        record.Store != order.Store ? $"{order.Store}" : string.Join(' ', order.Disks.Select(disk => disk.Digest)),
                },
            };
        }

        return record.FencingToken == order.FencingToken ? record : record with { FencingToken = order.FencingToken };
    }

    private static void RequireCurrent(ReplicaRecord record, long fencingToken)
    {
        if (fencingToken < record.FencingToken)
        {
            throw new RegionException(
                ErrorReason.Fenced,
                $"The fencing token {fencingToken} is out of date: the replica {record.Id} has seen {record.FencingToken}."
            );
        }
    }

    private void StartJob(Replica replica, PullOrder order, RegionStore store)
    {
        var job = new PullJob(
            order,
            store,
            sources,
            disk => EarlierContents(order.Store, disk),
            pool,
            telemetry,
            options.Value.Name,
            replica.Record!.TransferredBytes
        );
        replica.Job = job;
        job.Start(AdmitAsync, token => CompleteAsync(replica, job, store, token), failure => EndAsync(replica, job, failure));
        _ = CheckpointAsync(replica, job);
    }

    /// <summary>The newest contents of a store at the same place of the machine: one of them may be the version before.</summary>
    private List<BlockDigest> EarlierContents(StoreName store, ReplicaDiskRecord disk) =>
        disk.OccupiedSize < SmallDisk
            ? []
            :
            [
                .. _replicas
                    .Values.Select(replica => replica.Record)
                    .Where(record => record is { Phase: ReplicaPhase.Ready } && record.Store == store)
                    .OrderByDescending(record => record!.ReadyTime)
                    .SelectMany(record => record!.Disks)
                    .Where(other => other.Slot == disk.Slot && other.Content != disk.Content)
                    .Select(other => other.Content)
                    .Distinct()
                    .Take(EarlierLooked),
            ];

    private async ValueTask<IDisposable> AdmitAsync(CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        return new Slot(_slots);
    }

    private async ValueTask CompleteAsync(Replica replica, PullJob job, RegionStore store, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var record = await ChangeAsync(
            replica,
            current => Counted(current!, job) with { Phase = ReplicaPhase.Ready, ReadyTime = now, LastVerifiedTime = now, Details = "" },
            cancellationToken
        );
        Hold(record, store);
        LogReady(replica.Id, record.TotalBytes, record.TransferredBytes);
    }

    private async ValueTask EndAsync(Replica replica, PullJob job, Exception? failure)
    {
        if (failure is null)
        {
            return;
        }

        LogFailed(failure, replica.Id);
        try
        {
            // A pull that was ended, by a drop or by the end of the process, did not fail.
            var details = failure is OperationCanceledException ? "" : failure.Message;
            await ChangeAsync(replica, current => Counted(current!, job) with { Details = details }, CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or RegionException or UnauthorizedAccessException)
        {
            // The store may be full or gone, which is why the pull failed. The job itself still tells its failure.
            LogNotSaved(exception, replica.Id);
        }
    }

    private void Hold(ReplicaRecord record, RegionStore store)
    {
        foreach (var disk in record.Phase == ReplicaPhase.Ready ? record.Disks : [])
        {
            held.Add(disk.Content, record.Id, store);
        }
    }

    /// <summary>Writes down now and then how much has crossed a border, so that a crash forgets little of it.</summary>
    private async Task CheckpointAsync(Replica replica, PullJob job)
    {
        while (await Task.WhenAny(job.Completion, Task.Delay(CheckpointInterval, CancellationToken.None)) != job.Completion)
        {
            try
            {
                await ChangeAsync(replica, current => Counted(current!, job), CancellationToken.None);
            }
            catch (Exception exception) when (exception is IOException or RegionException or UnauthorizedAccessException)
            {
                LogNotSaved(exception, replica.Id);
            }
        }
    }

    private static ReplicaRecord Counted(ReplicaRecord record, PullJob job) =>
        record with
        {
            TransferredBytes = job.TransferredBytes,
            SourceRegion = job.SourceRegion.Length > 0 ? job.SourceRegion : record.SourceRegion,
        };

    private ValueTask<ReplicaRecord> ChangeAsync(
        Replica replica,
        Func<ReplicaRecord?, ReplicaRecord> change,
        CancellationToken cancellationToken
    ) =>
        replica.ChangeAsync(
            change,
            record =>
                stores
                    .Get(record.Store)
                    .Records.PutAsync(
                        Kind,
                        record.Id,
                        JsonSerializer.SerializeToUtf8Bytes(record, ReplicaJson.Default.ReplicaRecord),
                        cancellationToken
                    ),
            cancellationToken
        );

    [LoggerMessage(
        1,
        LogLevel.Information,
        "Replica {Replica} is ready: {TotalBytes} bytes, {TransferredBytes} of them from another region"
    )]
    private partial void LogReady(string replica, long totalBytes, long transferredBytes);

    [LoggerMessage(2, LogLevel.Warning, "The pull of replica {Replica} ended")]
    private partial void LogFailed(Exception exception, string replica);

    [LoggerMessage(3, LogLevel.Information, "Replica {Replica} was dropped")]
    private partial void LogDropped(string replica);

    [LoggerMessage(4, LogLevel.Error, "The state of replica {Replica} could not be written")]
    private partial void LogNotSaved(Exception exception, string replica);

    [LoggerMessage(
        5,
        LogLevel.Error,
        "The record of replica {Replica} can't be read; nothing of store {Store} is freed until it is mended or removed"
    )]
    private partial void LogUnreadable(Exception exception, string replica, string store);

    private sealed class Slot(SemaphoreSlim slots) : IDisposable
    {
        public void Dispose() => slots.Release();
    }
}
