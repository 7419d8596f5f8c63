using System.Collections.Concurrent;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Stores.Records;
using Gallery.Region.Stores.Segments;

namespace Gallery.Region.Stores;

/// <summary>
/// All stores of a node on its local disks: `zone1/snapshots`, and `zone{z}/{lrs|zrs|premium}-{ordinal}` for replicas. A store is made when
/// the first replica needs it.
/// </summary>
internal sealed class StoreSet : IAsyncDisposable
{
    private readonly string _dataPath;
    private readonly long _segmentBytes;
    private readonly ConcurrentDictionary<StoreName, Lazy<RegionStore>> _stores = new();
    private readonly ConcurrentDictionary<(int Zone, StoreName Name), IBlockStore> _zoneStores = new();
    private readonly FileStream _nodeLock;

    private readonly Action<StoreName, RegionException>? _bad;

    private StoreSet(string dataPath, int zoneCount, CapacityBudget capacity, long segmentBytes, Action<StoreName, RegionException>? bad)
    {
        _bad = bad;
        _dataPath = dataPath;
        _segmentBytes = segmentBytes;
        ZoneCount = zoneCount;
        Capacity = capacity;
        Directory.CreateDirectory(dataPath);
        _nodeLock = LockFolder(dataPath);
    }

    /// <summary>Zones of the region: one or three.</summary>
    public int ZoneCount { get; }

    /// <summary>The bytes that all stores may take up together.</summary>
    public CapacityBudget Capacity { get; }

    /// <summary>The stores that exist.</summary>
    public IEnumerable<RegionStore> Stores => _stores.Values.Select(store => store.Value);

    /// <summary>The store of uploads and of the contents made from them.</summary>
    public RegionStore Snapshots => Get(StoreName.Snapshots);

    /// <summary>Opens all stores below a folder.</summary>
    /// <param name="dataPath">The folder.</param>
    /// <param name="zoneCount">Zones of the region: one or three.</param>
    /// <param name="capacity">The bytes that all stores may take up together.</param>
    /// <param name="segmentBytes">Bytes at which a segment file is full.</param>
    /// <param name="bad">Told of each block that a zone could not give.</param>
    /// <exception cref="IOException">Another process has them open.</exception>
    public static StoreSet Open(
        string dataPath,
        int zoneCount,
        CapacityBudget capacity,
        long segmentBytes = SegmentStore.DefaultSegmentBytes,
        Action<StoreName, RegionException>? bad = null
    )
    {
        var set = new StoreSet(dataPath, zoneCount, capacity, segmentBytes, bad);
        for (var zone = 1; zone <= zoneCount; zone++)
        {
            foreach (var name in set.FindIn(zone))
            {
                set.Get(name);
            }
        }

        set.Get(StoreName.Snapshots);
        return set;
    }

    /// <summary>The folder of a zone.</summary>
    public string ZonePath(int zone) => Path.Combine(_dataPath, $"zone{zone}");

    /// <summary>The folder of a store in its first zone.</summary>
    public string FolderOf(StoreName name) => Path.Combine(ZonePath(name.ZonesOf(ZoneCount)[0]), name.ToString());

    /// <summary>How a zone is. Tries to write to it.</summary>
    public ZoneState StateOf(int zone)
    {
        var opened = _zoneStores.Where(entry => entry.Key.Zone == zone).Select(entry => entry.Value).ToList();
        var used = opened.Sum(store => store.UsedBytes);
        try
        {
            Directory.CreateDirectory(ZonePath(zone));
            var probe = Path.Combine(ZonePath(zone), ".probe");
            File.WriteAllBytes(probe, [1]);
            File.Delete(probe);
            var available = Math.Min(new DriveInfo(ZonePath(zone)).AvailableFreeSpace, Capacity.LeftBytes);
            var failure = opened.OfType<UnavailableStore>().FirstOrDefault()?.Why ?? "";
            return new ZoneState(zone, failure, used, available);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new ZoneState(zone, $"The zone {zone} can't be written to: {exception.Message}", used, 0);
        }
    }

    /// <summary>Opens a store, or makes it.</summary>
    /// <exception cref="RegionException">The region lacks the zones that its class needs.</exception>
    public RegionStore Get(StoreName name)
    {
        if (name.Type == StorageAccountType.StandardZrs && ZoneCount < 3)
        {
            throw new RegionException(
                ErrorReason.StorageAccountTypeNotSupported,
                $"Standard_ZRS takes three zones; this region has {ZoneCount}."
            );
        }

        return _stores.GetOrAdd(name, key => new Lazy<RegionStore>(() => OpenStore(key))).Value;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var store in Stores)
        {
            await store.DisposeAsync();
        }

        _stores.Clear();
        await _nodeLock.DisposeAsync();
    }

    /// <summary>Two processes that append to one segment file would destroy it. The lock vanishes with its process, however that ends.</summary>
    private static FileStream LockFolder(string dataPath)
    {
        try
        {
            return new FileStream(Path.Combine(dataPath, "node.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new IOException($"The data folder {dataPath} is in use by another process, or can't be written.", exception);
        }
    }

    private IEnumerable<StoreName> FindIn(int zone)
    {
        var path = ZonePath(zone);
        try
        {
            return Directory.Exists(path)
                ?
                [
                    .. Directory
                        .EnumerateDirectories(path)
                        .Select(folder => StoreName.TryParse(Path.GetFileName(folder)))
                        .OfType<StoreName>(),
                ]
                : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private RegionStore OpenStore(StoreName name)
    {
        var zones = name.ZonesOf(ZoneCount);
        var blocks = Array.ConvertAll(zones, zone => _zoneStores[(zone, name)] = OpenZone(name, zone));
        var records = Array.ConvertAll(zones, zone => (IRecordStore)new RecordFolder(Path.Combine(ZonePath(zone), name.ToString())));
        return zones.Length == 1
            ? new RegionStore(name, blocks[0], records[0])
            : new RegionStore(
                name,
                new MirroredStore(blocks, name.Ordinal % zones.Length, failure => _bad?.Invoke(name, failure)),
                new MirroredRecords(records)
            );
    }

    private IBlockStore OpenZone(StoreName name, int zone)
    {
        var folder = Path.Combine(ZonePath(zone), name.ToString());
        try
        {
            return SegmentStore.Open(Path.Combine(folder, "segments"), Capacity, _segmentBytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new UnavailableStore($"The zone {zone} of the region can't be used: {exception.Message}");
        }
    }
}
