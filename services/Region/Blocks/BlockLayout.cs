namespace Gallery.Region.Blocks;

/// <summary>How a disk or a file is cut into blocks: from offset 0, each 64 KiB, the last one possibly shorter.</summary>
internal static class BlockLayout
{
    /// <summary>Bytes of a block.</summary>
    public const int BlockSize = 64 * 1024;

    /// <summary>Bytes of a sector; every disk is a multiple of it.</summary>
    public const int SectorSize = 512;

    /// <summary>Number of blocks of so many bytes.</summary>
    public static long CountOf(long totalBytes) => (totalBytes + BlockSize - 1) / BlockSize;

    /// <summary>Bytes of one block of a disk or file of so many bytes.</summary>
    public static int LengthOf(long index, long totalBytes) => (int)Math.Min(BlockSize, totalBytes - (index * BlockSize));

    /// <summary>True when every byte is zero: such a block is a hole and is never stored.</summary>
    public static bool IsZero(ReadOnlySpan<byte> bytes) => !bytes.ContainsAnyExcept((byte)0);
}
