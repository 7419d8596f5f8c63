namespace Gallery.Cli.Tests.Harness;

/// <summary>Disk files for tests.</summary>
internal static class SparseFile
{
    /// <summary>Makes a file that is all hole but for random stretches.</summary>
    public static byte[] Create(string path, long length, int seed, params ReadOnlySpan<(long Offset, int Length)> stretches)
    {
        var random = new Random(seed);
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);
        RandomAccess.SetLength(file, length);
        foreach (var (offset, size) in stretches)
        {
            var data = new byte[size];
            random.NextBytes(data);
            RandomAccess.Write(file, data, offset);
        }

        return File.ReadAllBytes(path);
    }
}
