using Gallery.Region.Blocks;

namespace Gallery.Region.Tests.Formats;

/// <summary>Disks that formats find hard: odd sizes, none of it, all of it, and far apart.</summary>
internal static class QemuDisks
{
    public static readonly string[] All = ["odd", "empty", "random", "sector", "far", "packable"];

    /// <summary>Writes one as a sparse raw file.</summary>
    public static void Write(string disk, string path)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);
        var random = new Random(disk.Length);
        var (size, pieces) = disk switch
        {
            "odd" => (5_275_648L, new[] { (0L, 100_000), (1_000_448L, 1), (3_145_728L, 65_536), (5_275_136L, 512) }),
            "empty" => (10L << 20, []),
            "random" => ((3L << 20) + 1536, [(0L, (3 << 20) + 1536)]),
            "sector" => (512L, [(0L, 512)]),
            "fuzz" => (300_032L, [(0L, 10_000), (200_704L, 3000)]),
            "far" => (3L << 30, [(512L, 512), (536_870_912L - 512, 70_000), ((3L << 30) - 4096, 4096)]),
            _ => ((2L << 20) + 512, Enumerable.Range(0, 30).Select(i => (i * 70_000L, 900)).ToArray()),
        };
        RandomAccess.SetLength(file, size);
        foreach (var (offset, length) in pieces)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            RandomAccess.Write(file, bytes, offset);
        }

        Assert.Equal(0, size % BlockLayout.SectorSize);
    }
}
