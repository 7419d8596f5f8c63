namespace Gallery.Region.Tests.Support;

/// <summary>Does to segment files what disks do.</summary>
internal static class SegmentFiles
{
    /// <summary>Changes one byte of every copy of a block in the segment files below a folder.</summary>
    /// <returns>How many copies there were.</returns>
    public static int Spoil(string folder, byte[] block)
    {
        var found = 0;
        foreach (var path in Directory.EnumerateFiles(folder, "*.seg", SearchOption.AllDirectories))
        {
            var bytes = File.ReadAllBytes(path);
            for (var at = bytes.AsSpan().IndexOf(block); at >= 0; )
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                file.Position = at + 17;
                file.WriteByte((byte)~block[17]);
                found++;
                var next = bytes.AsSpan(at + 1).IndexOf(block);
                at = next < 0 ? -1 : at + 1 + next;
            }
        }

        return found;
    }

    /// <summary>Counts the sound copies of a block in the segment files below a folder.</summary>
    public static int Count(string folder, byte[] block)
    {
        var found = 0;
        foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder, "*.seg", SearchOption.AllDirectories) : [])
        {
            var bytes = Read(path).AsSpan();
            for (var at = bytes.IndexOf(block); at >= 0; at = bytes.IndexOf(block))
            {
                found++;
                bytes = bytes[(at + 1)..];
            }
        }

        return found;
    }

    private static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (FileNotFoundException)
        {
            return [];
        }
    }
}
