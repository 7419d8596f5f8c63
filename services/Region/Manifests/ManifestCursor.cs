namespace Gallery.Region.Manifests;

/// <summary>Finds leaves of one manifest by position. Keeps the nodes of the last path, so that reading on costs one leaf for each 64 MiB.</summary>
internal sealed class ManifestCursor(INodeSource source, RootNode root)
{
    private readonly (long Index, ReadOnlyMemory<byte> Node)[] _path = NewPath(root.Height);

    /// <summary>The leaf that covers a run of 1,024 blocks; null when all of them are holes.</summary>
    public async ValueTask<LeafNode?> LeafAsync(long leafIndex, CancellationToken cancellationToken) =>
        root.Top.IsHole || await NodeAsync(0, leafIndex, cancellationToken) is not { } node ? null : LeafNode.Parse(node);

    private static (long Index, ReadOnlyMemory<byte> Node)[] NewPath(int height)
    {
        var path = new (long, ReadOnlyMemory<byte>)[height];
        Array.Fill(path, (-1, default));
        return path;
    }

    private async ValueTask<ReadOnlyMemory<byte>?> NodeAsync(int level, long index, CancellationToken cancellationToken)
    {
        if (_path[level].Index == index)
        {
            return _path[level].Node;
        }

        var digest = root.Top;
        if (level < _path.Length - 1)
        {
            if (await NodeAsync(level + 1, index / ManifestShape.FanOut, cancellationToken) is not { } parent)
            {
                return null;
            }

            digest = InnerNode.Parse(parent, level + 1)[(int)(index % ManifestShape.FanOut)].Digest;
        }

        if (digest.IsHole)
        {
            return null;
        }

        var node = await source.ReadNodeAsync(digest, cancellationToken);
        _path[level] = (index, node);
        return node;
    }
}
