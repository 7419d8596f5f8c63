using System.Runtime.InteropServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Manifests;

/// <summary>Takes the nodes of a manifest as they become complete, children before parents.</summary>
internal interface INodeSink
{
    /// <summary>Keeps a node.</summary>
    ValueTask PutAsync(BlockDigest digest, ReadOnlyMemory<byte> node, CancellationToken cancellationToken);
}

/// <summary>A manifest that was built or read: its name and its root.</summary>
/// <param name="Digest">The root's digest, which names the content.</param>
/// <param name="Root">The root.</param>
internal sealed record Manifest(BlockDigest Digest, RootNode Root);

/// <summary>
/// Builds a manifest from the digests of a disk's blocks, given in ascending order. Keeps one unfinished node a level, whatever the disk's size.
/// </summary>
internal sealed class ManifestBuilder(long virtualSize, INodeSink sink)
{
    private readonly long _blockCount = BlockLayout.CountOf(virtualSize);
    private readonly List<ChildNode>[] _levels = CreateLevels(ManifestShape.HeightOf(BlockLayout.CountOf(virtualSize)));
    private readonly long[] _parents = new long[8];
    private readonly BlockDigest[] _leaf = new BlockDigest[ManifestShape.LeafBlocks];
    private long _leafIndex;
    private long _leafOccupied;
    private long _occupied;
    private long _next;

    /// <summary>Adds the block at an index; holes are simply not added.</summary>
    public async ValueTask AddAsync(long index, BlockDigest digest, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(index, _next);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _blockCount);
        if (index / ManifestShape.LeafBlocks != _leafIndex)
        {
            await FinishLeafAsync(cancellationToken);
            _leafIndex = index / ManifestShape.LeafBlocks;
        }

        _leaf[index % ManifestShape.LeafBlocks] = digest;
        _leafOccupied += BlockLayout.LengthOf(index, virtualSize);
        _next = index + 1;
    }

    /// <summary>Finishes all nodes and the root.</summary>
    public async ValueTask<Manifest> CompleteAsync(CancellationToken cancellationToken)
    {
        await FinishLeafAsync(cancellationToken);
        for (var level = 1; level < _levels.Length; level++)
        {
            await FinishInnerAsync(level, cancellationToken);
        }

        var top = _levels[^1] is [var only] ? only.Digest : default;
        var root = new RootNode(virtualSize, _occupied, top);
        var node = root.Encode();
        var digest = BlockDigest.Of(node);
        await sink.PutAsync(digest, node, cancellationToken);
        return new Manifest(digest, root);
    }

    /// <summary>One list a level: the finished nodes of that level that have no parent yet. The last one ends with the top node.</summary>
    private static List<ChildNode>[] CreateLevels(int height)
    {
        var levels = new List<ChildNode>[height];
        for (var i = 0; i < height; i++)
        {
            levels[i] = [];
        }

        return levels;
    }

    private async ValueTask FinishLeafAsync(CancellationToken cancellationToken)
    {
        if (_leafOccupied == 0)
        {
            return;
        }

        var node = LeafNode.Encode(_leaf);
        var child = new ChildNode((int)(_leafIndex % ManifestShape.FanOut), BlockDigest.Of(node), _leafOccupied);
        await sink.PutAsync(child.Digest, node, cancellationToken);
        _occupied += _leafOccupied;
        _leafOccupied = 0;
        Array.Clear(_leaf);
        await AddChildAsync(0, _leafIndex, child, cancellationToken);
    }

    /// <summary>Hands a finished node of a level on. The parents before it are finished first when it belongs to a new one.</summary>
    private async ValueTask AddChildAsync(int level, long position, ChildNode child, CancellationToken cancellationToken)
    {
        if (level + 1 < _levels.Length && _levels[level].Count > 0 && _parents[level] != position / ManifestShape.FanOut)
        {
            await FinishInnerAsync(level + 1, cancellationToken);
        }

        _parents[level] = position / ManifestShape.FanOut;
        _levels[level].Add(child);
    }

    /// <summary>Makes the children that wait below a level into one node of it.</summary>
    private async ValueTask FinishInnerAsync(int level, CancellationToken cancellationToken)
    {
        var children = _levels[level - 1];
        if (children.Count == 0)
        {
            return;
        }

        var node = InnerNode.Encode(level, CollectionsMarshal.AsSpan(children));
        var position = _parents[level - 1];
        long sum = 0;
        foreach (var below in children)
        {
            sum += below.Occupied;
        }

        children.Clear();
        var child = new ChildNode((int)(position % ManifestShape.FanOut), BlockDigest.Of(node), sum);
        await sink.PutAsync(child.Digest, node, cancellationToken);
        await AddChildAsync(level, position, child, cancellationToken);
    }
}
