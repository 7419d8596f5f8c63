using System.Collections.Concurrent;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Imports;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;
using Gallery.Region.Uploads;

namespace Gallery.Region.Node;

/// <summary>
/// Reads back what a store knows, at the start of the node and when a zone is back. A store that can't be read as a whole does not keep the node
/// from serving the others: it is read again until it can be.
/// </summary>
internal sealed partial class StoreLoader(
    StoreSet stores,
    UploadRegistry uploads,
    ImportManager imports,
    ReplicaRegistry replicas,
    ILogger<StoreLoader> logger
)
{
    private readonly ConcurrentDictionary<StoreName, bool> _failed = new();
    private volatile bool _hasUploads;

    /// <summary>Stores that could not be read as a whole when that was last tried, though a zone of them can be used.</summary>
    public IEnumerable<RegionStore> Failed => _failed.Keys.Select(stores.Get).Where(store => store.Failure.Length == 0);

    /// <summary>Reads all stores that can be used.</summary>
    public async Task LoadAllAsync(CancellationToken cancellationToken)
    {
        foreach (var store in stores.Stores.Where(store => store.Failure.Length == 0).ToList())
        {
            await TryLoadAsync(store, cancellationToken);
        }
    }

    /// <summary>Reads a store.</summary>
    /// <returns>False when some of it could not be read.</returns>
    public async Task<bool> TryLoadAsync(RegionStore store, CancellationToken cancellationToken)
    {
        try
        {
            await LoadAsync(store, cancellationToken);
            _failed.TryRemove(store.Name, out _);
            return true;
        }
        catch (Exception exception) when (exception is RegionException or IOException or UnauthorizedAccessException)
        {
            // Told once, however often it is tried.
            if (_failed.TryAdd(store.Name, true))
            {
                LogFailed(exception, $"{store.Name}");
            }

            return false;
        }
    }

    /// <summary>Refuses what would take an upload for new that may be there.</summary>
    /// <exception cref="RegionException">The uploads were not read since the node started.</exception>
    public void RequireUploads()
    {
        if (!_hasUploads)
        {
            throw Unread(stores.Snapshots);
        }
    }

    private static RegionException Unread(RegionStore store) =>
        new(
            ErrorReason.RegionUnavailable,
            store.Failure is { Length: > 0 } failure ? failure : $"The store {store.Name} could not be read yet."
        );

    private async Task LoadAsync(RegionStore store, CancellationToken cancellationToken)
    {
        if (store.Name.IsReplicaStore)
        {
            await replicas.ReloadAsync(store, cancellationToken);
            return;
        }

        await uploads.LoadAsync(cancellationToken);
        if (store.Failure.Length > 0)
        {
            throw Unread(store);
        }

        _hasUploads = true;
        await imports.LoadAsync(cancellationToken);
    }

    [LoggerMessage(1, LogLevel.Error, "Store {Store} could not be read as a whole; it is tried again until it can be")]
    private partial void LogFailed(Exception exception, string store);
}
