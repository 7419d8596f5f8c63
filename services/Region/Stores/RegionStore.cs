using Gallery.Region.Blocks;
using Gallery.Region.Manifests;
using Gallery.Region.Stores.Records;

namespace Gallery.Region.Stores;

/// <summary>A store of the node: its blocks, its records, and the gate that keeps collections apart from those who use it.</summary>
internal sealed class RegionStore(StoreName name, IBlockStore blocks, IRecordStore records) : INodeSource, IAsyncDisposable
{
    /// <summary>Which store it is.</summary>
    public StoreName Name { get; } = name;

    /// <summary>Its blocks and manifest nodes.</summary>
    public IBlockStore Blocks { get; } = blocks;

    /// <summary>Its records.</summary>
    public IRecordStore Records { get; } = records;

    /// <summary>Keeps collections apart from those who rely on what is there.</summary>
    public StoreGate Gate { get; } = new();

    /// <inheritdoc/>
    public async ValueTask<ReadOnlyMemory<byte>> ReadNodeAsync(BlockDigest digest, CancellationToken cancellationToken)
    {
        if (!Blocks.TryGetLength(digest, out var length))
        {
            throw new BlockMissingException($"The manifest node {digest} is not in the store {Name}.");
        }

        if (length > ManifestShape.MaxNodeSize)
        {
            throw new MalformedManifestException($"{digest} in the store {Name} is too long for a manifest node.");
        }

        var node = new byte[length];
        await Blocks.ReadAsync(new[] { new BlockRef(digest, length) }, node, cancellationToken);
        return node;
    }

    /// <summary>Finds blocks of a content that somebody asks for.</summary>
    /// <exception cref="BlockMissingException">One of them is not here, or is no block of a disk.</exception>
    public BlockRef[] FindBlocks(BlockDigest[] digests) =>
        Array.ConvertAll(
            digests,
            digest =>
                Blocks.TryGetLength(digest, out var length) && length <= BlockLayout.BlockSize
                    ? new BlockRef(digest, length)
                    : throw new BlockMissingException($"The content has no block {digest}.")
        );

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Blocks.DisposeAsync();
        Gate.Dispose();
    }
}
