using System.Numerics;

namespace Gallery.Region.Blocks;

/// <summary>
/// A block as what differs from another one of the same length: a bitmap with a bit for each 64 bytes, set where they differ, and behind it the
/// bytes of those. Disks change in place, so a new version of a block is mostly its predecessor.
/// </summary>
internal static class BlockDelta
{
    /// <summary>Bytes that a bit stands for; the last unit of a block may be shorter.</summary>
    public const int Unit = 64;

    /// <summary>The longest delta of a block.</summary>
    public const int MaxLength = BlockLayout.BlockSize + (BlockLayout.BlockSize / Unit / 8);

    /// <summary>Bytes of the bitmap for a block of so many bytes.</summary>
    public static int BitmapLength(int blockLength) => (((blockLength + Unit - 1) / Unit) + 7) / 8;

    /// <summary>Writes the delta.</summary>
    /// <param name="earlier">The block that the reader has.</param>
    /// <param name="block">The block that he shall have, of the same length.</param>
    /// <param name="delta">Where to, <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(ReadOnlySpan<byte> earlier, ReadOnlySpan<byte> block, Span<byte> delta)
    {
        var bitmap = delta[..BitmapLength(block.Length)];
        bitmap.Clear();
        var written = bitmap.Length;
        for (var (unit, at) = (0, 0); at < block.Length; unit++, at += Unit)
        {
            var bytes = block.Slice(at, Math.Min(Unit, block.Length - at));
            if (!bytes.SequenceEqual(earlier.Slice(at, bytes.Length)))
            {
                bitmap[unit / 8] |= (byte)(1 << (unit % 8));
                bytes.CopyTo(delta[written..]);
                written += bytes.Length;
            }
        }

        return written;
    }

    /// <summary>How many bytes follow a bitmap.</summary>
    public static int ChangedLength(ReadOnlySpan<byte> bitmap, int blockLength)
    {
        var units = 0;
        foreach (var bits in bitmap)
        {
            units += BitOperations.PopCount(bits);
        }

        var last = (blockLength - 1) / Unit;
        var isLastChanged = (bitmap[last / 8] & (1 << (last % 8))) != 0;
        return Math.Min(blockLength, (units * Unit) - (isLastChanged ? ((last + 1) * Unit) - blockLength : 0));
    }

    /// <summary>Turns the earlier block into the later one.</summary>
    /// <param name="block">The earlier block; afterwards the later one.</param>
    /// <param name="bitmap">Its bitmap.</param>
    /// <param name="changed">The bytes behind it.</param>
    public static void Apply(Span<byte> block, ReadOnlySpan<byte> bitmap, ReadOnlySpan<byte> changed)
    {
        for (var (unit, at) = (0, 0); at < block.Length && changed.Length > 0; unit++, at += Unit)
        {
            if ((bitmap[unit / 8] & (1 << (unit % 8))) != 0)
            {
                var length = Math.Min(Math.Min(Unit, block.Length - at), changed.Length);
                changed[..length].CopyTo(block[at..]);
                changed = changed[length..];
            }
        }
    }
}
