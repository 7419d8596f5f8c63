using System.Globalization;

namespace Gallery.TestKit.Suite.Faults;

/// <summary>Changes bytes on a region's disk behind the back of its node, in what was written since this was made.</summary>
public sealed class DiskRot
{
    /// <summary>More often than once a block.</summary>
    private const long Stride = 48 * 1024;

    private readonly string _folder;
    private readonly Dictionary<string, long> _lengths;

    /// <summary>Remembers what is there already, and is spared.</summary>
    /// <param name="suite">The house.</param>
    /// <param name="region">The region.</param>
    public DiskRot(GallerySuite suite, string region)
    {
        _folder = Path.Combine(suite.DataPath, "regions", region);
        _lengths = Segments("*", "*").ToDictionary(file => file, file => new FileInfo(file).Length);
    }

    /// <summary>Spoils every block of a store.</summary>
    /// <param name="zone">Number of the zone, from 1.</param>
    /// <param name="store">The store, `zrs-000` for example.</param>
    /// <returns>Bytes changed.</returns>
    public int Spoil(int zone, string store)
    {
        var changed = 0;
        var one = new byte[1];
        foreach (var file in Segments(string.Create(CultureInfo.InvariantCulture, $"zone{zone}"), store))
        {
            using var segment = File.OpenHandle(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            for (var at = _lengths.GetValueOrDefault(file) + Stride; at < RandomAccess.GetLength(segment); at += Stride)
            {
                RandomAccess.Read(segment, one, at);
                one[0] ^= 0x55;
                RandomAccess.Write(segment, one, at);
                changed++;
            }
        }

        return changed;
    }

    private IEnumerable<string> Segments(string zone, string store) =>
        Directory
            .EnumerateDirectories(_folder, zone)
            .SelectMany(folder => Directory.EnumerateDirectories(folder, store))
            .Select(folder => Path.Combine(folder, "segments"))
            .Where(Directory.Exists)
            .SelectMany(Directory.EnumerateFiles);
}
