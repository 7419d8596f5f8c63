using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Manifests;

/// <summary>A node or block that a content needs.</summary>
/// <param name="Digest">Which one.</param>
/// <param name="IsReadable">False for a node that could not be read: then what lies below it is unknown.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct NeededBlock(BlockDigest Digest, bool IsReadable);

/// <summary>Walks over everything that a content needs, and past what is damaged.</summary>
internal static class ManifestWalk
{
    /// <summary>All nodes and blocks of a content, each at least once. Nodes are read; blocks are only named.</summary>
    public static async IAsyncEnumerable<NeededBlock> NeededAsync(
        INodeSource source,
        BlockDigest content,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var bytes = await TryReadAsync(source, content, cancellationToken);
        yield return new NeededBlock(content, bytes is not null);
        if (bytes is null)
        {
            yield break;
        }

        var root = RootNode.Parse(bytes.Value.Span);
        var stack = new Stack<(BlockDigest Node, int Level)>();
        stack.Push((root.Top, root.Height - 1));
        while (stack.TryPop(out var next))
        {
            if (next.Node.IsHole)
            {
                continue;
            }

            var node = await TryReadAsync(source, next.Node, cancellationToken);
            yield return new NeededBlock(next.Node, node is not null);
            if (node is { } found && next.Level > 0)
            {
                foreach (var child in InnerNode.Parse(found, next.Level).Children())
                {
                    stack.Push((child.Digest, next.Level - 1));
                }
            }
            else if (node is { } last)
            {
                var leaf = LeafNode.Parse(last);
                for (var rank = 0; rank < leaf.Count; rank++)
                {
                    yield return new NeededBlock(leaf.At(rank), IsReadable: true);
                }
            }
        }
    }

    private static async ValueTask<ReadOnlyMemory<byte>?> TryReadAsync(
        INodeSource source,
        BlockDigest node,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await source.ReadNodeAsync(node, cancellationToken);
        }
        catch (Exception exception) when (exception is BlockMissingException or BlockCorruptException)
        {
            return null;
        }
    }
}
