using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Manifests;

/// <summary>A child of an inner node.</summary>
/// <param name="Slot">Its place, 0 to 255.</param>
/// <param name="Digest">Its digest.</param>
/// <param name="Occupied">Bytes of the blocks below it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ChildNode(int Slot, BlockDigest Digest, long Occupied);

/// <summary>An inner node: up to 256 children of the level below. A view over its encoding; nothing is copied.</summary>
internal readonly struct InnerNode
{
    private const int BitmapSize = ManifestShape.FanOut / 8;
    private const int ChildrenAt = NodeHeader.Size + BitmapSize;
    private const int ChildSize = BlockDigest.Size + sizeof(long);

    private readonly ReadOnlyMemory<byte> _node;

    private InnerNode(ReadOnlyMemory<byte> node, int count)
    {
        _node = node;
        Count = count;
    }

    /// <summary>Children that are present.</summary>
    public int Count { get; }

    private ReadOnlySpan<byte> Bitmap => _node.Span.Slice(NodeHeader.Size, BitmapSize);

    /// <summary>Reads an inner node of a level. The bytes are kept, not copied.</summary>
    /// <exception cref="MalformedManifestException">It is not such a node in its canonical encoding.</exception>
    public static InnerNode Parse(ReadOnlyMemory<byte> node, int level)
    {
        var bytes = node.Span;
        NodeHeader.Check(bytes, ManifestShape.InnerKind, "inner node");
        if (bytes.Length < ChildrenAt || bytes[5] != level || bytes[6] != 0 || bytes[7] != 0)
        {
            throw new MalformedManifestException($"A manifest node of level {level} is not in its canonical encoding.");
        }

        var count = NodeHeader.Count(bytes.Slice(NodeHeader.Size, BitmapSize));
        if (count == 0 || bytes.Length != ChildrenAt + (count * ChildSize))
        {
            throw new MalformedManifestException($"A manifest node of {count} children has {bytes.Length} bytes.");
        }

        var parsed = new InnerNode(node, count);
        var most = ManifestShape.BlocksAt(level - 1) * BlockLayout.BlockSize;
        for (var rank = 0; rank < count; rank++)
        {
            var (digest, occupied) = parsed.At(rank);
            if (digest.IsHole || occupied <= 0 || occupied > most)
            {
                throw new MalformedManifestException("A manifest node names a child that can't be.");
            }
        }

        return parsed;
    }

    /// <summary>Encodes the children of a node of a level, in the order of their slots.</summary>
    public static byte[] Encode(int level, ReadOnlySpan<ChildNode> children)
    {
        var node = new byte[ChildrenAt + (children.Length * ChildSize)];
        NodeHeader.Write(node, ManifestShape.InnerKind, level);
        var at = ChildrenAt;
        foreach (ref readonly var child in children)
        {
            NodeHeader.Set(node.AsSpan(NodeHeader.Size, BitmapSize), child.Slot);
            child.Digest.CopyTo(node.AsSpan(at));
            BinaryPrimitives.WriteInt64LittleEndian(node.AsSpan(at + BlockDigest.Size), child.Occupied);
            at += ChildSize;
        }

        return node;
    }

    /// <summary>The children, in the order of their slots.</summary>
    public IEnumerable<ChildNode> Children()
    {
        var rank = 0;
        for (var slot = NodeHeader.NextSlot(Bitmap, 0); slot >= 0; slot = NodeHeader.NextSlot(Bitmap, slot + 1))
        {
            var (digest, occupied) = At(rank++);
            yield return new ChildNode(slot, digest, occupied);
        }
    }

    /// <summary>The child at a slot; one with the default digest when there is none.</summary>
    public ChildNode this[int slot]
    {
        get
        {
            if (!NodeHeader.TryRank(Bitmap, slot, out var rank))
            {
                return default;
            }

            var (digest, occupied) = At(rank);
            return new ChildNode(slot, digest, occupied);
        }
    }

    private (BlockDigest Digest, long Occupied) At(int rank)
    {
        var child = _node.Span.Slice(ChildrenAt + (rank * ChildSize), ChildSize);
        return (new BlockDigest(child), BinaryPrimitives.ReadInt64LittleEndian(child[BlockDigest.Size..]));
    }
}
