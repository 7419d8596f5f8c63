using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Manifests;

/// <summary>Gives the nodes of manifests, each checked against its digest.</summary>
internal interface INodeSource
{
    /// <summary>Reads a node.</summary>
    /// <exception cref="BlockMissingException">It is not there.</exception>
    ValueTask<ReadOnlyMemory<byte>> ReadNodeAsync(BlockDigest digest, CancellationToken cancellationToken);
}

/// <summary>A leaf at its place in the disk.</summary>
/// <param name="FirstBlock">Index of the block at slot 0.</param>
/// <param name="Leaf">The leaf.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PlacedLeaf(long FirstBlock, LeafNode Leaf);

/// <summary>Reads manifests: the root, the leaves in order, one block's digest, and what differs between two of them.</summary>
internal static class ManifestReader
{
    /// <summary>Reads the root of a content.</summary>
    public static async ValueTask<Manifest> ReadRootAsync(INodeSource source, BlockDigest content, CancellationToken cancellationToken)
    {
        var node = await source.ReadNodeAsync(content, cancellationToken);
        return new Manifest(content, RootNode.Parse(node.Span));
    }

    /// <summary>
    /// All leaves in the order of the disk. Every node is checked to fit its place: no block behind the end of the disk, and the occupied sizes
    /// that parents tell are those of their children.
    /// </summary>
    /// <exception cref="MalformedManifestException">A node does not fit.</exception>
    public static async IAsyncEnumerable<PlacedLeaf> LeavesAsync(
        INodeSource source,
        RootNode root,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        if (root.Top.IsHole)
        {
            yield break;
        }

        var stack = new Stack<(ChildNode Node, int Level, long First)>();
        stack.Push((new ChildNode(0, root.Top, root.OccupiedSize), root.Height - 1, 0));
        while (stack.TryPop(out var next))
        {
            var node = await source.ReadNodeAsync(next.Node.Digest, cancellationToken);
            if (next.Level == 0)
            {
                var leaf = LeafNode.Parse(node);
                Require(OccupiedOf(leaf, next.First, root) == next.Node.Occupied, next.First);
                yield return new PlacedLeaf(next.First, leaf);
            }
            else
            {
                PushChildren(stack, InnerNode.Parse(node, next.Level), next, root);
            }
        }
    }

    /// <summary>
    /// The leaves that are there, by their position, and the bytes of the blocks below each. Reads the inner nodes alone.
    /// </summary>
    public static async IAsyncEnumerable<(long Leaf, long Occupied)> LeafSizesAsync(
        INodeSource source,
        RootNode root,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        if (root.Top.IsHole)
        {
            yield break;
        }

        var stack = new Stack<(ChildNode Node, int Level, long First)>();
        stack.Push((new ChildNode(0, root.Top, root.OccupiedSize), root.Height - 1, 0));
        while (stack.TryPop(out var next))
        {
            if (next.Level == 0)
            {
                yield return (next.First / ManifestShape.LeafBlocks, next.Node.Occupied);
            }
            else
            {
                var node = await source.ReadNodeAsync(next.Node.Digest, cancellationToken);
                PushChildren(stack, InnerNode.Parse(node, next.Level), next, root);
            }
        }
    }

    /// <summary>Bytes of the blocks of a leaf at its place.</summary>
    /// <exception cref="MalformedManifestException">It names blocks behind the end of the disk.</exception>
    public static long OccupiedOf(LeafNode leaf, long firstBlock, RootNode root)
    {
        var last = root.BlockCount - 1;
        if (firstBlock + ManifestShape.LeafBlocks - 1 < last)
        {
            return (long)leaf.Count * BlockLayout.BlockSize;
        }

        Require(firstBlock <= last && leaf.NextSlot((int)(last - firstBlock) + 1) < 0, firstBlock);
        var hasLast = leaf.NextSlot((int)(last - firstBlock)) >= 0;
        return ((long)leaf.Count * BlockLayout.BlockSize)
            - (hasLast ? BlockLayout.BlockSize - BlockLayout.LengthOf(last, root.VirtualSize) : 0);
    }

    private static void PushChildren(
        Stack<(ChildNode Node, int Level, long First)> stack,
        InnerNode inner,
        (ChildNode Node, int Level, long First) parent,
        RootNode root
    )
    {
        var covered = ManifestShape.BlocksAt(parent.Level - 1);
        long sum = 0;
        // The last child goes to the bottom, so that leaves come off in the order of the disk.
        foreach (var child in inner.Children().Reverse())
        {
            var first = parent.First + (child.Slot * covered);
            Require(first < root.BlockCount, first);
            sum += child.Occupied;
            stack.Push((child, parent.Level - 1, first));
        }

        Require(sum == parent.Node.Occupied, parent.First);
    }

    private static void Require(bool condition, long firstBlock)
    {
        if (!condition)
        {
            throw new MalformedManifestException($"A manifest node does not fit its place at block {firstBlock}.");
        }
    }
}
