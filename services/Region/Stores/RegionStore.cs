using Gallery.Region.Blocks;
using Gallery.Region.Manifests;
using Gallery.Region.Stores.Records;
using Gallery.Region.Stores.Zones;

namespace Gallery.Region.Stores;

/// <summary>A store of the node: its blocks, its records, and the gate that keeps collections apart from those who use it.</summary>
/// <param name="name">Which store it is.</param>
/// <param name="blocks">Its blocks, however many zones keep them.</param>
/// <param name="records">Its records.</param>
/// <param name="zones">What each zone keeps of it.</param>
internal sealed class RegionStore(StoreName name, IBlockStore blocks, IRecordStore records, IReadOnlyList<ZoneStore> zones)
    : INodeSource,
        IAsyncDisposable
{
    /// <summary>Which store it is.</summary>
    public StoreName Name { get; } = name;

    /// <summary>Its blocks and manifest nodes.</summary>
    public IBlockStore Blocks { get; } = blocks;

    /// <summary>Its records.</summary>
    public IRecordStore Records { get; } = records;

    /// <summary>What each zone keeps of it.</summary>
    public IReadOnlyList<ZoneStore> Zones { get; } = zones;

    /// <summary>Keeps collections apart from those who rely on what is there.</summary>
    public StoreGate Gate { get; } = new();

    /// <summary>Why nothing can be read from it, since no zone can be used; empty when something can.</summary>
    public string Failure =>
        Zones.Any(zone => zone.Failure.Length == 0) ? ""
        : Zones.Count > 0 ? Zones[0].Failure
        : "";

    /// <summary>True when every zone can be used.</summary>
    public bool IsWhole => Zones.All(zone => zone.Failure.Length == 0);

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
