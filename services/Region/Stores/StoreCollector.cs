using System.Collections.Concurrent;
using Gallery.Region.Replicas;
using Gallery.Region.Uploads;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Stores;

/// <summary>
/// Frees what nothing refers to any more: some time after a replica or an upload was dropped, and once after the start, since the process may
/// have ended in between. Also drops uploads that nobody committed in time.
/// </summary>
internal sealed partial class StoreCollector(
    StoreSet stores,
    UploadManager uploads,
    UploadRegistry uploadRegistry,
    ReplicaManager replicas,
    ReplicaRegistry replicaRegistry,
    IOptions<RegionOptions> options,
    ILogger<StoreCollector> logger
) : BackgroundService
{
    private readonly ConcurrentDictionary<StoreName, bool> _requested = new();

    /// <summary>Asks for a collection of a store.</summary>
    public void Request(StoreName store) => _requested[store] = true;

    /// <summary>Does what is due now.</summary>
    public async Task CollectAsync(CancellationToken cancellationToken)
    {
        await DropExpiredAsync(cancellationToken);
        await replicas.ForgetDroppedAsync(cancellationToken);
        foreach (var name in _requested.Keys)
        {
            _requested.TryRemove(name, out _);
            await CollectAsync(stores.Get(name), cancellationToken);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var store in stores.Stores)
        {
            Request(store.Name);
        }

        using var timer = new PeriodicTimer(options.Value.CollectionInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await CollectAsync(stoppingToken);
        }
    }

    private async Task DropExpiredAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await uploads.DropExpiredAsync(cancellationToken) > 0)
            {
                Request(StoreName.Snapshots);
            }
        }
        catch (Exception exception) when (exception is RegionException or IOException or UnauthorizedAccessException)
        {
            LogFailed(exception);
        }
    }

    private async Task CollectAsync(RegionStore store, CancellationToken cancellationToken)
    {
        try
        {
            using (await store.Gate.EnterAloneAsync(cancellationToken))
            {
                using var collection = await store.Blocks.BeginCollectionAsync(cancellationToken);
                await (
                    store.Name.IsReplicaStore
                        ? replicaRegistry.MarkAsync(store, collection, cancellationToken)
                        : uploadRegistry.MarkAsync(collection, cancellationToken)
                );
                LogCollected($"{store.Name}", await collection.FreeAsync());
            }
        }
        catch (Exception exception) when (exception is RegionException or IOException or UnauthorizedAccessException)
        {
            // Nothing was freed, and nothing is lost: it is tried again.
            Request(store.Name);
            LogStoreFailed(exception, $"{store.Name}");
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "Store {Store}: {FreedBytes} bytes freed")]
    private partial void LogCollected(string store, long freedBytes);

    [LoggerMessage(2, LogLevel.Warning, "Store {Store} could not be collected")]
    private partial void LogStoreFailed(Exception exception, string store);

    [LoggerMessage(3, LogLevel.Warning, "Expired uploads could not be dropped")]
    private partial void LogFailed(Exception exception);
}
