using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Manifests;

/// <summary>A block that differs between two disks. A hole has the default digest.</summary>
/// <param name="Index">Its place.</param>
/// <param name="Before">What the first disk has there.</param>
/// <param name="After">What the second disk has there.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BlockChange(long Index, BlockDigest Before, BlockDigest After);

/// <summary>
/// Finds what differs between two disks by the digests of their nodes: equal subtrees are never read, so the cost is that of the differences.
/// </summary>
internal sealed class ManifestDiff(INodeSource before, INodeSource after)
{
    /// <summary>All blocks that differ, in the order of the disk. Disks of different sizes are compared as if the shorter one ended in a hole.</summary>
    public async IAsyncEnumerable<BlockChange> CompareAsync(
        RootNode left,
        RootNode right,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var level = Math.Max(left.Height, right.Height) - 1;
        var stack = new Stack<Pair>();
        if (level >= 0)
        {
            stack.Push(new Pair(level, 0, new Side(left.Top, left.Height - 1), new Side(right.Top, right.Height - 1)));
        }

        while (stack.TryPop(out var pair))
        {
            if (pair.Before == pair.After)
            {
                continue;
            }

            if (pair.Level > 0)
            {
                await PushChildrenAsync(stack, pair, cancellationToken);
                continue;
            }

            LeafNode? a = pair.Before.Digest.IsHole
                ? null
                : LeafNode.Parse(await before.ReadNodeAsync(pair.Before.Digest, cancellationToken));
            LeafNode? b = pair.After.Digest.IsHole ? null : LeafNode.Parse(await after.ReadNodeAsync(pair.After.Digest, cancellationToken));
            for (var slot = 0; slot < ManifestShape.LeafBlocks; slot++)
            {
                var change = new BlockChange(pair.First + slot, a?[slot] ?? default, b?[slot] ?? default);
                if (change.Before != change.After)
                {
                    yield return change;
                }
            }
        }
    }

    private async ValueTask PushChildrenAsync(Stack<Pair> stack, Pair pair, CancellationToken cancellationToken)
    {
        var a = await ChildrenAsync(before, pair.Level, pair.Before, cancellationToken);
        var b = await ChildrenAsync(after, pair.Level, pair.After, cancellationToken);
        var covered = ManifestShape.BlocksAt(pair.Level - 1);
        for (var slot = ManifestShape.FanOut - 1; slot >= 0; slot--)
        {
            if (a[slot] != b[slot])
            {
                stack.Push(new Pair(pair.Level - 1, pair.First + (slot * covered), a[slot], b[slot]));
            }
        }
    }

    private static async ValueTask<Side[]> ChildrenAsync(INodeSource source, int level, Side side, CancellationToken cancellationToken)
    {
        var children = new Side[ManifestShape.FanOut];
        Array.Fill(children, new Side(default, level - 1));
        if (side.Digest.IsHole)
        {
            return children;
        }

        // A lower tree stands at slot 0 of the taller one's level.
        if (side.Level < level)
        {
            children[0] = side;
            return children;
        }

        foreach (var child in InnerNode.Parse(await source.ReadNodeAsync(side.Digest, cancellationToken), level).Children())
        {
            children[child.Slot] = new Side(child.Digest, level - 1);
        }

        return children;
    }

    /// <summary>A node, and the level it really is of.</summary>
    private readonly record struct Side(BlockDigest Digest, int Level);

    private readonly record struct Pair(int Level, long First, Side Before, Side After);
}
