using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Manifests;

/// <summary>Marks everything that a content needs. Subtrees that were marked before are not read again, so shared ones cost nothing.</summary>
internal static class ManifestMarker
{
    /// <summary>Marks the nodes and blocks of a content.</summary>
    /// <param name="source">Where its nodes are read.</param>
    /// <param name="content">Which content.</param>
    /// <param name="complete">False for a content that is still being brought in, or is to be repaired: then what is not there is passed over.</param>
    /// <param name="live">What is marked.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="BlockMissingException">A node of a complete content is not there: then nobody knows what else it needs.</exception>
    public static async ValueTask MarkAsync(
        INodeSource source,
        BlockDigest content,
        bool complete,
        ILiveBlocks live,
        CancellationToken cancellationToken
    )
    {
        if (!live.Mark(content) || await TryReadAsync(source, content, complete, cancellationToken) is not { } bytes)
        {
            return;
        }

        var root = RootNode.Parse(bytes.Span);
        var stack = new Stack<(BlockDigest Node, int Level)>();
        stack.Push((root.Top, root.Height - 1));
        while (stack.TryPop(out var next))
        {
            if (!next.Node.IsHole && live.Mark(next.Node) && await TryReadAsync(source, next.Node, complete, cancellationToken) is { } node)
            {
                MarkChildren(node, next.Level, stack, live);
            }
        }
    }

    private static void MarkChildren(ReadOnlyMemory<byte> node, int level, Stack<(BlockDigest Node, int Level)> stack, ILiveBlocks live)
    {
        if (level > 0)
        {
            foreach (var child in InnerNode.Parse(node, level).Children())
            {
                stack.Push((child.Digest, level - 1));
            }

            return;
        }

        var leaf = LeafNode.Parse(node);
        for (var rank = 0; rank < leaf.Count; rank++)
        {
            live.Mark(leaf.At(rank));
        }
    }

    private static async ValueTask<ReadOnlyMemory<byte>?> TryReadAsync(
        INodeSource source,
        BlockDigest node,
        bool complete,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await source.ReadNodeAsync(node, cancellationToken);
        }
        catch (Exception exception) when (!complete && exception is (BlockMissingException or BlockCorruptException))
        {
            return null;
        }
    }
}
