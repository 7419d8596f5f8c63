using System.Buffers.Binary;
using System.Numerics;

namespace Gallery.Region.Manifests;

/// <summary>What all nodes begin with, and the bitmaps of those that have children.</summary>
internal static class NodeHeader
{
    /// <summary>Bytes before the bitmap.</summary>
    public const int Size = 8;

    /// <summary>Refuses what is too short or of another kind.</summary>
    public static void Check(ReadOnlySpan<byte> node, byte kind, string name)
    {
        if (node.Length < Size || BinaryPrimitives.ReadUInt32LittleEndian(node) != ManifestShape.Magic || node[4] != kind)
        {
            throw new MalformedManifestException($"A manifest {name} was expected, and these {node.Length} bytes are none.");
        }
    }

    /// <summary>Writes magic, kind and level.</summary>
    public static void Write(Span<byte> node, byte kind, int level)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(node, ManifestShape.Magic);
        node[4] = kind;
        node[5] = (byte)level;
        node[6] = 0;
        node[7] = 0;
    }

    /// <summary>Bits that are set.</summary>
    public static int Count(ReadOnlySpan<byte> bitmap)
    {
        var count = 0;
        for (var i = 0; i < bitmap.Length; i += sizeof(ulong))
        {
            count += BitOperations.PopCount(BinaryPrimitives.ReadUInt64LittleEndian(bitmap[i..]));
        }

        return count;
    }

    /// <summary>The first set bit at or behind a slot; -1 when there is none.</summary>
    public static int NextSlot(ReadOnlySpan<byte> bitmap, int slot)
    {
        while (slot < bitmap.Length * 8)
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(bitmap[(slot / 64 * sizeof(ulong))..]) >> (slot % 64);
            if (word != 0)
            {
                return slot + BitOperations.TrailingZeroCount(word);
            }

            slot = (slot / 64 * 64) + 64;
        }

        return -1;
    }

    /// <summary>True when the slot's bit is set; then <paramref name="rank"/> is its place among the children that follow the bitmap.</summary>
    public static bool TryRank(ReadOnlySpan<byte> bitmap, int slot, out int rank)
    {
        var word = BinaryPrimitives.ReadUInt64LittleEndian(bitmap[(slot / 64 * sizeof(ulong))..]);
        var below = word & ((1UL << (slot % 64)) - 1);
        rank = Count(bitmap[..(slot / 64 * sizeof(ulong))]) + BitOperations.PopCount(below);
        return (word & (1UL << (slot % 64))) != 0;
    }

    /// <summary>Sets a slot's bit.</summary>
    public static void Set(Span<byte> bitmap, int slot) => bitmap[slot / 8] |= (byte)(1 << (slot % 8));
}
