using System.Collections.Concurrent;
using System.Text.Json;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Records;

namespace Gallery.Region.Replicas;

/// <summary>The records of replicas as they are kept, each in its replica's own store; and whether all of a store's were read.</summary>
internal sealed partial class ReplicaRecords(StoreSet stores, ILogger<ReplicaRecords> logger)
{
    private const string Kind = "replicas";

    private readonly ConcurrentDictionary<StoreName, ConcurrentDictionary<string, bool>> _unreadable = new();

    /// <summary>True when the records of a store were read since it was opened.</summary>
    public bool AreRead(StoreName store) => _unreadable.ContainsKey(store);

    /// <summary>True when every record of a store is known: else nobody knows which blocks are needed.</summary>
    public bool AreKnown(StoreName store) => _unreadable.TryGetValue(store, out var ids) && ids.IsEmpty;

    /// <summary>Reads the records of a store; first, zones that missed some are given them.</summary>
    /// <returns>The records that can be read, and why some are out of reach: null when none is.</returns>
    /// <exception cref="RegionException">Its zones can't be used.</exception>
    public async Task<(List<ReplicaRecord> Found, RegionException? Failure)> ReadAsync(
        RegionStore store,
        CancellationToken cancellationToken
    )
    {
        _unreadable.TryRemove(store.Name, out _);
        if (store.Records is MirroredRecords mirrored)
        {
            await mirrored.CatchUpAsync(Kind, cancellationToken);
        }

        var (found, unreadable) = (new List<ReplicaRecord>(), new ConcurrentDictionary<string, bool>());
        RegionException? failure = null;
        foreach (var id in await store.Records.ListAsync(Kind, cancellationToken))
        {
            try
            {
                if (await store.Records.TryGetAsync(Kind, id, cancellationToken) is { } bytes)
                {
                    found.Add(JsonSerializer.Deserialize(bytes, ReplicaJson.Default.ReplicaRecord)!);
                }
            }
            catch (Exception exception) when (exception is BlockCorruptException or JsonException)
            {
                unreadable[id] = true;
                LogUnreadable(exception, id, $"{store.Name}");
            }
            catch (RegionException exception) when (exception.Reason == ErrorReason.RegionUnavailable)
            {
                // It may be sound: its zone has just gone, or the disk fails in this place. The others are not to suffer from it.
                unreadable[id] = true;
                failure = exception;
            }
        }

        _unreadable[store.Name] = unreadable;
        return (found, failure);
    }

    /// <summary>True when there is a record.</summary>
    public async ValueTask<bool> ExistsAsync(StoreName store, string id, CancellationToken cancellationToken) =>
        (await stores.Get(store).Records.ListAsync(Kind, cancellationToken)).Contains(id);

    /// <summary>Writes a record; it is durable on return. One that could not be read is known again by it.</summary>
    public async ValueTask PutAsync(ReplicaRecord record, CancellationToken cancellationToken)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(record, ReplicaJson.Default.ReplicaRecord);
        await stores.Get(record.Store).Records.PutAsync(Kind, record.Id, bytes, cancellationToken);
        if (_unreadable.TryGetValue(record.Store, out var ids))
        {
            ids.TryRemove(record.Id, out _);
        }
    }

    /// <summary>Removes a record.</summary>
    public ValueTask DeleteAsync(ReplicaRecord record, CancellationToken cancellationToken) =>
        stores.Get(record.Store).Records.DeleteAsync(Kind, record.Id, cancellationToken);

    /// <summary>Removes a record that could not be read.</summary>
    /// <returns>Its store; null when there is no such record.</returns>
    public async ValueTask<StoreName?> TryDiscardAsync(string id, CancellationToken cancellationToken)
    {
        foreach (var (store, ids) in _unreadable)
        {
            if (ids.ContainsKey(id))
            {
                await stores.Get(store).Records.DeleteAsync(Kind, id, cancellationToken);
                ids.TryRemove(id, out _);
                return store;
            }
        }

        return null;
    }

    [LoggerMessage(
        1,
        LogLevel.Error,
        "The record of replica {Replica} can't be read; nothing of store {Store} is freed until the replica is made again or its record removed"
    )]
    private partial void LogUnreadable(Exception exception, string replica, string store);
}
