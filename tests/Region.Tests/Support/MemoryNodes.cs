using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Manifests;

namespace Gallery.Region.Tests.Support;

/// <summary>Manifest nodes in memory; counts what is read.</summary>
internal sealed class MemoryNodes : INodeSink, INodeSource
{
    public Dictionary<BlockDigest, byte[]> Nodes { get; } = [];

    public int Reads { get; private set; }

    public ValueTask PutAsync(BlockDigest digest, ReadOnlyMemory<byte> node, CancellationToken cancellationToken)
    {
        Assert.Equal(digest, BlockDigest.Of(node.Span));
        Nodes[digest] = node.ToArray();
        return ValueTask.CompletedTask;
    }

    public ValueTask<ReadOnlyMemory<byte>> ReadNodeAsync(BlockDigest digest, CancellationToken cancellationToken)
    {
        Reads++;
        return Nodes.TryGetValue(digest, out var node)
            ? ValueTask.FromResult<ReadOnlyMemory<byte>>(node)
            : throw new BlockMissingException($"{digest}");
    }

    /// <summary>Builds a manifest of blocks given by index.</summary>
    public async Task<Manifest> BuildAsync(long virtualSize, IEnumerable<KeyValuePair<long, BlockDigest>> blocks)
    {
        var builder = new ManifestBuilder(virtualSize, this);
        foreach (var (index, digest) in blocks.OrderBy(block => block.Key))
        {
            await builder.AddAsync(index, digest, default);
        }

        return await builder.CompleteAsync(default);
    }

    /// <summary>All blocks of a manifest.</summary>
    public async Task<Dictionary<long, BlockDigest>> BlocksOfAsync(RootNode root)
    {
        var blocks = new Dictionary<long, BlockDigest>();
        await foreach (var placed in ManifestReader.LeavesAsync(this, root, default))
        {
            for (var slot = placed.Leaf.NextSlot(0); slot >= 0; slot = placed.Leaf.NextSlot(slot + 1))
            {
                blocks.Add(placed.FirstBlock + slot, placed.Leaf[slot]);
            }
        }

        return blocks;
    }
}
