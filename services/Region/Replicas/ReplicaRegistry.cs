using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Content;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;

namespace Gallery.Region.Replicas;

/// <summary>
/// The replicas that the node knows, and what it says of each. A replica's record lies in its own store and says "ready" only while all of its
/// bytes are durable and, as far as is known, sound.
/// </summary>
internal sealed partial class ReplicaRegistry(
    StoreSet stores,
    ReplicaRecords records,
    HeldContents held,
    TimeProvider time,
    ILogger<ReplicaRegistry> logger
)
{
    private readonly ConcurrentDictionary<string, Replica> _replicas = new(StringComparer.Ordinal);

    private long _revision = time.GetUtcNow().UtcTicks;

    /// <summary>Grows whenever a replica was found damaged, lost, or checked again, and with every start of the node.</summary>
    public long Revision => Interlocked.Read(ref _revision);

    /// <summary>Replicas that are complete and can be read.</summary>
    public long ReadyCount => _replicas.Values.LongCount(replica => ViewOf(replica)?.State == ReplicaState.Ready);

    /// <summary>Replicas that were complete and are out of service.</summary>
    public long DamagedCount => _replicas.Values.LongCount(replica => ViewOf(replica)?.State == ReplicaState.Damaged);

    /// <summary>All replicas, dropped ones included.</summary>
    public IEnumerable<Replica> All => _replicas.Values;

    /// <summary>Reads the records of a store that was opened: replicas that came with it are known again, those that did not are lost.</summary>
    /// <exception cref="RegionException">Some are out of reach; the others are known on return all the same.</exception>
    public async Task ReloadAsync(RegionStore store, CancellationToken cancellationToken)
    {
        var (found, failure) = await records.ReadAsync(store, cancellationToken);
        foreach (var record in found)
        {
            // What is in memory is never older than what was written.
            if (GetOrAdd(record.Id).TryAdopt(record))
            {
                Hold(record, store);
            }
        }

        var ids = found.Select(record => record.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var replica in _replicas.Values.Where(replica => replica.Record?.Store == store.Name && !ids.Contains(replica.Id)))
        {
            // A record is in memory only after it was written: when it is gone, so is the disk that it was written to.
            if (
                replica.Job is not { IsRunning: true }
                && !await records.ExistsAsync(store.Name, replica.Id, cancellationToken)
                && _replicas.TryRemove(replica.Id, out _)
            )
            {
                Release(replica.Record!);
                LogLost(replica.Id, $"{store.Name}");
            }
        }

        Touch();
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Reads the records of a store, unless that was done since it was opened.</summary>
    public async ValueTask RequireReadAsync(RegionStore store, CancellationToken cancellationToken)
    {
        if (!records.AreRead(store.Name))
        {
            await ReloadAsync(store, cancellationToken);
        }
    }

    /// <summary>Has whoever keeps track of the node's replicas look at them again.</summary>
    public void Touch() => Interlocked.Increment(ref _revision);

    /// <summary>A replica as it is at this moment; null when there is no such.</summary>
    public ReplicaView? ViewOf(Replica replica) => replica.View(replica.Record is { } record ? stores.Get(record.Store).Failure : "");

    /// <summary>Finds a replica, whatever became of it; null when the node never heard of it.</summary>
    public Replica? Find(string id) => _replicas.GetValueOrDefault(id);

    /// <summary>Finds a replica, or makes room for a new one.</summary>
    public Replica GetOrAdd(string id) => _replicas.GetOrAdd(id, key => new Replica(key));

    /// <summary>Forgets a replica for good.</summary>
    public async ValueTask ForgetAsync(ReplicaRecord record, CancellationToken cancellationToken)
    {
        await records.DeleteAsync(record, cancellationToken);
        _replicas.TryRemove(record.Id, out _);
    }

    /// <summary>Removes the record of a replica of which nothing is known since it can't be read; else nothing of its store could be freed.</summary>
    /// <returns>The replica's store; null when there is no such record.</returns>
    /// <exception cref="RegionException">A zone is away that may have the record.</exception>
    public ValueTask<StoreName?> TryDiscardAsync(string id, CancellationToken cancellationToken) =>
        records.TryDiscardAsync(id, cancellationToken);

    /// <summary>Finds a replica.</summary>
    /// <exception cref="RegionException">There is none.</exception>
    public ReplicaView Get(string id) =>
        _replicas.TryGetValue(id, out var replica) && ViewOf(replica) is { } view
            ? view
            : throw new RegionException(ErrorReason.ResourceNotFound, $"There is no replica {id} on this node.");

    /// <summary>Some replicas in the order of their ids, behind one id.</summary>
    public List<ReplicaView> List(string after, int count) =>
        [
            .. _replicas
                .Values.Where(replica => string.CompareOrdinal(replica.Id, after) > 0)
                .OrderBy(replica => replica.Id, StringComparer.Ordinal)
                .Select(ViewOf)
                .OfType<ReplicaView>()
                .Take(count),
        ];

    /// <summary>The ready replicas of a store.</summary>
    public List<Replica> ReadyIn(StoreName store) =>
        [.. _replicas.Values.Where(replica => replica.Record is { Phase: ReplicaPhase.Ready } record && record.Store == store)];

    /// <summary>Takes a ready replica out of service until it is repaired.</summary>
    /// <returns>False when it is not ready any more.</returns>
    public async Task<bool> DamageAsync(Replica replica, string details, CancellationToken cancellationToken)
    {
        using var turn = await replica.EnterAsync(cancellationToken);
        if (replica.Record is not { Phase: ReplicaPhase.Ready } record)
        {
            return false;
        }

        await ChangeAsync(replica, current => current! with { Phase = ReplicaPhase.Damaged, Details = details }, cancellationToken);
        Release(record);
        Touch();
        return true;
    }

    /// <summary>Notes that every block of a store was read and checked since a time.</summary>
    public async Task VerifiedAsync(StoreName store, DateTimeOffset since, CancellationToken cancellationToken)
    {
        foreach (var replica in ReadyIn(store))
        {
            await ChangeAsync(
                replica,
                current =>
                    current is { Phase: ReplicaPhase.Ready } && current.LastVerifiedTime < since
                        ? current with
                        {
                            LastVerifiedTime = since,
                        }
                        : current!,
                cancellationToken
            );
        }

        Touch();
    }

    /// <summary>Marks all blocks that the replicas of a store need.</summary>
    public async ValueTask MarkAsync(RegionStore store, ILiveBlocks live, CancellationToken cancellationToken)
    {
        if (!records.AreKnown(store.Name))
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

    /// <summary>Changes the record of a replica; the change is durable on return.</summary>
    public ValueTask<ReplicaRecord> ChangeAsync(
        Replica replica,
        Func<ReplicaRecord?, ReplicaRecord> change,
        CancellationToken cancellationToken
    ) => replica.ChangeAsync(change, record => records.PutAsync(record, cancellationToken), cancellationToken);

    /// <summary>Notes that the node has the contents of a ready replica.</summary>
    public void Hold(ReplicaRecord record, RegionStore store)
    {
        foreach (var disk in record.Phase == ReplicaPhase.Ready ? record.Disks : [])
        {
            held.Add(disk.Content, record.Id, store);
        }
    }

    /// <summary>Notes that a replica does not give its contents any more.</summary>
    public void Release(ReplicaRecord record)
    {
        foreach (var disk in record.Disks)
        {
            held.Remove(disk.Content, record.Id);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Replica {Replica} is lost: store {Store} came back without it")]
    private partial void LogLost(string replica, string store);
}
