using Gallery.Region.Blocks;

namespace Gallery.Region.Tests.Support;

/// <summary>A disk in memory: some data, some holes, an end that fills no block.</summary>
internal static class TestDisk
{
    /// <summary>Makes a disk of so many blocks and a half; every third block is a hole.</summary>
    public static byte[] Make(int seed, int blocks = 40)
    {
        var disk = new byte[(blocks * BlockLayout.BlockSize) + (BlockLayout.BlockSize / 2)];
        for (var i = 0; i <= blocks; i++)
        {
            if (i % 3 != 1)
            {
                var at = i * BlockLayout.BlockSize;
                new Random((seed * 10_000) + i).NextBytes(disk.AsSpan(at, Math.Min(BlockLayout.BlockSize, disk.Length - at)));
            }
        }

        return disk;
    }

    /// <summary>Its blocks that are not holes.</summary>
    public static List<(long Index, byte[] Bytes)> Blocks(byte[] file)
    {
        var blocks = new List<(long, byte[])>();
        for (long index = 0; index < BlockLayout.CountOf(file.Length); index++)
        {
            var bytes = file.AsSpan((int)(index * BlockLayout.BlockSize), BlockLayout.LengthOf(index, file.Length)).ToArray();
            if (!BlockLayout.IsZero(bytes))
            {
                blocks.Add((index, bytes));
            }
        }

        return blocks;
    }

    public static long Occupied(byte[] file) => Blocks(file).Sum(block => (long)block.Bytes.Length);
}
