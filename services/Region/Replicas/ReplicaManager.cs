using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Node;
using Gallery.Region.Scrub;
using Gallery.Region.Stores;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Replicas;

/// <summary>
/// What is done with replicas: a replica is asked for, pulled by one job at a time, ready, repaired if need be, and dropped in the end.
/// </summary>
internal sealed partial class ReplicaManager(
    StoreSet stores,
    ReplicaRegistry registry,
    BlockMender mender,
    SourceOpener sources,
    PullRoom room,
    PullJournal journal,
    RegionTelemetry telemetry,
    IOptions<RegionOptions> options,
    TimeProvider time,
    ILogger<ReplicaManager> logger
) : IAsyncDisposable
{
    /// <summary>Disks with fewer occupied bytes travel whole: looking for a similar one costs more.</summary>
    private const long SmallDisk = 4L << 20;
    private const int EarlierLooked = 8;
    private static readonly TimeSpan TombstoneLifetime = TimeSpan.FromDays(1);

    private readonly SemaphoreSlim _slots = new(options.Value.MaxRunningPulls, options.Value.MaxRunningPulls);

    /// <summary>Pulls that are running or wait for their turn.</summary>
    public int RunningPulls => registry.All.Count(replica => replica.Job is { IsRunning: true });

    /// <summary>Begins to pull a replica, joins the pull that is running, or finds it ready.</summary>
    /// <exception cref="RegionException">The token is out of date, the replica was dropped, or it is another one by that name.</exception>
    public async Task<Replica> PullAsync(PullOrder order, CancellationToken cancellationToken)
    {
        var store = stores.Get(order.Store);
        if (store.Failure.Length > 0)
        {
            throw new RegionException(ErrorReason.RegionUnavailable, store.Failure);
        }

        await registry.RequireReadAsync(store, cancellationToken);
        var replica = registry.GetOrAdd(order.ReplicaId);
        using (await replica.EnterAsync(cancellationToken))
        {
            var record = await registry.ChangeAsync(replica, current => ReplicaRules.Admit(current, order), cancellationToken);
            if (record.Phase is ReplicaPhase.Pulling or ReplicaPhase.Damaged && replica.Job is not { IsRunning: true })
            {
                StartJob(replica, order, store);
            }

            return replica;
        }
    }

    /// <summary>Finds a replica.</summary>
    /// <exception cref="RegionException">There is none.</exception>
    public ReplicaView Get(string id) => registry.Get(id);

    /// <summary>Ends the work on a replica; what arrived stays. No error when nothing is running.</summary>
    /// <exception cref="RegionException">The token is out of date.</exception>
    public async Task StopAsync(string id, long fencingToken, CancellationToken cancellationToken)
    {
        if (registry.Find(id) is not { } replica)
        {
            return;
        }

        using (await replica.EnterAsync(cancellationToken))
        {
            if (replica.Record is not { } record)
            {
                return;
            }

            ReplicaRules.RequireCurrent(record, fencingToken);
            if (record.Phase is not (ReplicaPhase.Pulling or ReplicaPhase.Damaged))
            {
                return;
            }

            // A holder of before, who does not know yet, must not begin anew.
            await registry.ChangeAsync(replica, current => current! with { FencingToken = fencingToken }, cancellationToken);
            if (replica.Job is { IsRunning: true } job)
            {
                await job.DisposeAsync();
                replica.Job = null;
                LogStopped(id);
            }
        }
    }

    /// <summary>Drops a replica and ends work on it; no error when there is none.</summary>
    /// <returns>The store whose bytes may be freed; null when nothing was there.</returns>
    /// <exception cref="RegionException">The token is out of date, or a zone is away that may hold the replica.</exception>
    public async Task<StoreName?> DropAsync(string id, long fencingToken, CancellationToken cancellationToken)
    {
        if (registry.Find(id) is not { } replica)
        {
            if (await registry.TryDiscardAsync(id, cancellationToken) is { } unreadable)
            {
                LogDropped(id);
                return unreadable;
            }

            return stores.FirstFailure is { Length: > 0 } away ? throw new RegionException(ErrorReason.RegionUnavailable, away) : null;
        }

        using (await replica.EnterAsync(cancellationToken))
        {
            if (replica.Record is not { } record)
            {
                return null;
            }

            ReplicaRules.RequireCurrent(record, fencingToken);
            if (record.Phase == ReplicaPhase.Dropped)
            {
                return null;
            }

            if (replica.Job is { } job)
            {
                await job.DisposeAsync();
                replica.Job = null;
            }

            await registry.ChangeAsync(
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
            registry.Release(record);
            LogDropped(id);
            return record.Store;
        }
    }

    /// <summary>Forgets replicas that were dropped long ago.</summary>
    public async Task ForgetDroppedAsync(CancellationToken cancellationToken)
    {
        foreach (var replica in registry.All)
        {
            if (replica.Record is { Phase: ReplicaPhase.Dropped } record && record.DropTime + TombstoneLifetime < time.GetUtcNow())
            {
                try
                {
                    await registry.ForgetAsync(record, cancellationToken);
                }
                catch (Exception exception) when (exception is IOException or RegionException or UnauthorizedAccessException)
                {
                    // A zone is away, and would bring the replica back: it is remembered until then.
                }
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(registry.All.Select(replica => replica.Job?.DisposeAsync().AsTask() ?? Task.CompletedTask));
        _slots.Dispose();
    }

    private void StartJob(Replica replica, PullOrder order, RegionStore store)
    {
        var repairs = replica.Record!.Phase == ReplicaPhase.Damaged;
        // The caller may know of more than was written down here before the process ended without warning.
        var before = Math.Max(replica.Record.TransferredBytes, order.TransferredBytes);
        var job = new PullJob(order, store, sources, disk => EarlierContents(order.Store, disk), telemetry, options.Value.Name, before)
        {
            Room = room,
            Verify = repairs ? token => mender.VerifyAsync(store, order.Disks, token) : null,
        };
        replica.Job = job;
        job.Start(
            AdmitAsync,
            token => journal.CompleteAsync(replica, job, store, token),
            failure => journal.EndAsync(replica, job, failure)
        );
        _ = journal.CheckpointAsync(replica, job);
    }

    /// <summary>The newest contents of a store at the same place of the machine: one of them may be the version before.</summary>
    private List<BlockDigest> EarlierContents(StoreName store, ReplicaDiskRecord disk) =>
        disk.OccupiedSize < SmallDisk
            ? []
            :
            [
                .. registry
                    .ReadyIn(store)
                    .Select(replica => replica.Record)
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

    [LoggerMessage(1, LogLevel.Information, "Replica {Replica} was dropped")]
    private partial void LogDropped(string replica);

    [LoggerMessage(2, LogLevel.Information, "The pull of replica {Replica} was stopped")]
    private partial void LogStopped(string replica);

    private sealed class Slot(SemaphoreSlim slots) : IDisposable
    {
        public void Dispose() => slots.Release();
    }
}
