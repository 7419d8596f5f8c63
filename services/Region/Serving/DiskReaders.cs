using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Content;
using Gallery.Region.Content.Views;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;

namespace Gallery.Region.Serving;

/// <summary>Opens disks of replicas for reading, through the cache that all readers of the node share.</summary>
internal sealed class DiskReaders(StoreSet stores, BlockCache cache, ReplicaLimits limits)
{
    // Readers share what is read ahead for them: many get little each.
    private const int MostReadAhead = 16;

    /// <summary>Opens one as a file of a format.</summary>
    /// <exception cref="RegionException">InvalidParameter when the disk is too large for the format.</exception>
    public async ValueTask<IDiskView> OpenAsync(ReadableDisk disk, DiskFormat format, CancellationToken cancellationToken)
    {
        var store = stores.Get(disk.Store);
        var source = new CachedNodes(store, cache);
        var root = (await ManifestReader.ReadRootAsync(source, disk.Content.Content, cancellationToken)).Root;
        var reader = new DiskReader(store, source, root, cache, ReadAhead);
        return await DiskViews.OpenAsync(reader, disk.Content.Content, format, cancellationToken);
    }

    /// <summary>Blocks that one reader may hold or have read ahead now: 1 to 16.</summary>
    public int ReadAhead => Math.Clamp(cache.Capacity / (2 * Math.Max(1, limits.ReaderCount)), 1, MostReadAhead);
}

/// <summary>Manifest nodes through the cache.</summary>
internal sealed class CachedNodes(RegionStore store, BlockCache cache) : INodeSource
{
    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>> ReadNodeAsync(BlockDigest digest, CancellationToken cancellationToken)
    {
        if (!store.Blocks.TryGetLength(digest, out var length) || length > ManifestShape.MaxNodeSize)
        {
            return await store.ReadNodeAsync(digest, cancellationToken); // Which says what is wrong.
        }

        using var block = await cache.GetAsync(store, new[] { new BlockRef(digest, length) }, cancellationToken);
        return block.Bytes.ToArray();
    }
}
