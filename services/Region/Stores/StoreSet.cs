using System.Collections.Concurrent;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores.Objects;
using Gallery.Region.Stores.Records;
using Gallery.Region.Stores.Segments;
using Gallery.Region.Stores.Zones;

namespace Gallery.Region.Stores;

/// <summary>
/// All stores of a node: `zone1/snapshots`, and `zone{z}/{lrs|zrs|premium}-{ordinal}` for replicas, on local disks or on object storage. A store
/// is made when the first replica needs it.
/// </summary>
internal sealed class StoreSet : IAsyncDisposable
{
    private readonly string _dataPath;
    private readonly Action<StoreName, BlockRef, RegionException>? _bad;
    private readonly IZone[] _zones;
    private readonly ConcurrentDictionary<StoreName, Lazy<RegionStore>> _stores = new();
    private readonly FileStream _nodeLock;

    private StoreSet(
        string dataPath,
        int zoneCount,
        CapacityBudget capacity,
        long segmentBytes,
        Action<StoreName, BlockRef, RegionException>? bad,
        IZone[]? zones
    )
    {
        _bad = bad;
        _dataPath = dataPath;
        Capacity = capacity;
        Directory.CreateDirectory(dataPath);
        _nodeLock = LockFolder(dataPath);
        _zones =
            zones
            ??
            [
                .. Enumerable
                    .Range(1, zoneCount)
                    .Select(zone => new ZoneFolder(dataPath, zone, folder => SegmentStore.Open(folder, capacity, segmentBytes))),
            ];
        Array.ForEach(_zones, zone => zone.Check());
    }

    /// <summary>Zones of the region: one or three.</summary>
    public int ZoneCount => _zones.Length;

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
    /// <param name="bad">Told of each block that a store, or one of its zones, could not give.</param>
    /// <param name="zones">The zones, when they are no folders of the data folder.</param>
    /// <exception cref="IOException">Another process has them open.</exception>
    public static StoreSet Open(
        string dataPath,
        int zoneCount,
        CapacityBudget capacity,
        long segmentBytes = SegmentStore.DefaultSegmentBytes,
        Action<StoreName, BlockRef, RegionException>? bad = null,
        IZone[]? zones = null
    )
    {
        var set = new StoreSet(dataPath, zoneCount, capacity, segmentBytes, bad, zones);
        foreach (var zone in set._zones)
        {
            set.OpenAllIn(zone);
        }

        set.Get(StoreName.Snapshots);
        return set;
    }

    /// <summary>Why the first zone that can't be used can't; empty when all can.</summary>
    public string FirstFailure => Array.Find(_zones, zone => zone.Failure.Length > 0)?.Failure ?? "";

    /// <summary>The folder of a zone; with object storage, of what the node notes beside it.</summary>
    public string ZonePath(int zone) => Path.Combine(_dataPath, $"zone{zone}");

    /// <summary>The folder of a store in its first zone.</summary>
    public string FolderOf(StoreName name) => Path.Combine(ZonePath(name.ZonesOf(ZoneCount)[0]), name.ToString());

    /// <summary>How a zone is, as of the last look at it.</summary>
    public ZoneState StateOf(int zone)
    {
        var folder = _zones[zone - 1];
        var parts = Stores.SelectMany(store => store.Zones).Where(part => part.Zone == folder).ToList();
        var failure = folder.Failure.Length > 0 ? folder.Failure : parts.Find(part => part.Failure.Length > 0)?.Failure ?? "";
        return new ZoneState(
            zone,
            failure,
            parts.Sum(part => part.UsedBytes),
            failure.Length > 0 ? 0 : Math.Min(folder.AvailableBytes(), Capacity.LeftBytes)
        );
    }

    /// <summary>
    /// Bytes that can still be written to a store, each of them in all of its zones: what the fullest of their disks has room for. Zones on one
    /// disk share its room, so that it is counted once.
    /// </summary>
    /// <param name="name">The store.</param>
    /// <param name="promised">Bytes that others are about to write, and to which stores.</param>
    public long AvailableTo(StoreName name, params IReadOnlyCollection<(StoreName Store, long Bytes)> promised)
    {
        var zones = ZonesOf(name);
        var left = (Capacity.LeftBytes - promised.Sum(other => other.Bytes * ZonesOf(other.Store).Length)) / zones.Length;
        foreach (var disk in zones.GroupBy(zone => zone.Disk))
        {
            var taken = promised.Sum(other => other.Bytes * ZonesOf(other.Store).Count(zone => zone.Disk == disk.Key));
            left = Math.Min(left, (disk.Min(zone => zone.AvailableBytes()) - taken) / disk.Count());
        }

        return Math.Max(0, left);
    }

    /// <summary>Looks at every zone anew, closes what can't be used any more and opens what can again.</summary>
    /// <returns>Stores of which a zone is back.</returns>
    public async ValueTask<IReadOnlyList<RegionStore>> CheckZonesAsync()
    {
        var known = _stores.Keys.ToHashSet();
        foreach (var zone in _zones)
        {
            var before = zone.Failure;
            if (zone.Check().Length == 0 && before.Length > 0)
            {
                OpenAllIn(zone);
            }
        }

        var back = new List<RegionStore>();
        foreach (var store in Stores)
        {
            // A store that no zone showed before is back as well.
            var returned = !known.Contains(store.Name);
            foreach (var part in store.Zones)
            {
                returned |= await part.FollowZoneAsync();
            }

            if (returned)
            {
                back.Add(store);
            }
        }

        return back;
    }

    /// <summary>Reads a block from any other store of the node that has it sound.</summary>
    public async ValueTask<bool> TryReadElsewhereAsync(
        StoreName except,
        BlockRef block,
        Memory<byte> destination,
        CancellationToken cancellationToken
    )
    {
        foreach (var part in Stores.Where(store => store.Name != except).SelectMany(store => store.Zones))
        {
            if (part.Holds(block.Digest) && await TryReadAsync(part, block, destination, cancellationToken))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Reads a block from one zone's part of a store; false when it is not there or damaged.</summary>
    public static async ValueTask<bool> TryReadAsync(
        IBlockReader part,
        BlockRef block,
        Memory<byte> destination,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await part.ReadAsync(new[] { block }, destination[..block.Length], cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is BlockCorruptException or BlockMissingException)
        {
            return false;
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

    private void OpenAllIn(IZone zone)
    {
        foreach (var name in FindIn(zone))
        {
            if (name.Type != StorageAccountType.StandardZrs || ZoneCount >= 3)
            {
                Get(name);
            }
        }
    }

    private static IEnumerable<StoreName> FindIn(IZone zone)
    {
        try
        {
            return zone.Failure.Length == 0 ? zone.FindStores() : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ObjectStorageException)
        {
            return [];
        }
    }

    private IZone[] ZonesOf(StoreName name) => Array.ConvertAll(name.ZonesOf(ZoneCount), zone => _zones[zone - 1]);

    private RegionStore OpenStore(StoreName name)
    {
        var zones = ZonesOf(name);
        var parts = Array.ConvertAll(zones, zone => new ZoneStore(zone, name));
        var records = Array.ConvertAll(zones, zone => zone.Records(name));
        void Bad(BlockRef block, RegionException failure) => _bad?.Invoke(name, block, failure);
        var blocks = parts.Length == 1 ? (IBlockStore)parts[0] : new MirroredStore(parts, name.Ordinal % parts.Length, Bad);
        return new RegionStore(
            name,
            new MendingStore(
                blocks,
                (block, destination, cancellationToken) => TryReadElsewhereAsync(name, block, destination, cancellationToken),
                Bad
            ),
            records.Length == 1 ? records[0] : new MirroredRecords(records),
            parts
        );
    }
}
