using Gallery.Region.Blocks;

namespace Gallery.Region.Manifests;

/// <summary>A leaf: the digests of up to 1,024 consecutive blocks. A view over its encoding; nothing is copied.</summary>
internal readonly struct LeafNode
{
    private const int BitmapSize = ManifestShape.LeafBlocks / 8;
    private const int DigestsAt = NodeHeader.Size + BitmapSize;

    private readonly ReadOnlyMemory<byte> _node;

    private LeafNode(ReadOnlyMemory<byte> node, int count)
    {
        _node = node;
        Count = count;
    }

    /// <summary>Blocks that are present.</summary>
    public int Count { get; }

    private ReadOnlySpan<byte> Bitmap => _node.Span.Slice(NodeHeader.Size, BitmapSize);

    /// <summary>Reads a leaf. The bytes are kept, not copied.</summary>
    /// <exception cref="MalformedManifestException">It is not a leaf in its canonical encoding.</exception>
    public static LeafNode Parse(ReadOnlyMemory<byte> node)
    {
        var bytes = node.Span;
        NodeHeader.Check(bytes, ManifestShape.LeafKind, "leaf");
        if (bytes.Length < DigestsAt || bytes[5] != 0 || bytes[6] != 0 || bytes[7] != 0)
        {
            throw new MalformedManifestException("A manifest leaf is not in its canonical encoding.");
        }

        var count = NodeHeader.Count(bytes.Slice(NodeHeader.Size, BitmapSize));
        if (count == 0 || bytes.Length != DigestsAt + (count * BlockDigest.Size))
        {
            throw new MalformedManifestException($"A manifest leaf of {count} blocks has {bytes.Length} bytes.");
        }

        for (var at = DigestsAt; at < bytes.Length; at += BlockDigest.Size)
        {
            if (new BlockDigest(bytes[at..]).IsHole)
            {
                throw new MalformedManifestException("A manifest leaf names a block without a digest.");
            }
        }

        return new LeafNode(node, count);
    }

    /// <summary>Encodes the digests of a run of blocks; holes are default values.</summary>
    public static byte[] Encode(ReadOnlySpan<BlockDigest> digests)
    {
        var count = 0;
        foreach (ref readonly var digest in digests)
        {
            count += digest.IsHole ? 0 : 1;
        }

        var node = new byte[DigestsAt + (count * BlockDigest.Size)];
        NodeHeader.Write(node, ManifestShape.LeafKind, 0);
        var at = DigestsAt;
        for (var slot = 0; slot < digests.Length; slot++)
        {
            if (!digests[slot].IsHole)
            {
                NodeHeader.Set(node.AsSpan(NodeHeader.Size, BitmapSize), slot);
                digests[slot].CopyTo(node.AsSpan(at));
                at += BlockDigest.Size;
            }
        }

        return node;
    }

    /// <summary>The first present slot at or behind this one; -1 when there is none.</summary>
    public int NextSlot(int slot) => NodeHeader.NextSlot(Bitmap, slot);

    /// <summary>The digest at a slot; the default value for a hole.</summary>
    public BlockDigest this[int slot] => NodeHeader.TryRank(Bitmap, slot, out var rank) ? At(rank) : default;

    /// <summary>The digest of the n-th present block.</summary>
    public BlockDigest At(int rank) => new(_node.Span[(DigestsAt + (rank * BlockDigest.Size))..]);
}
