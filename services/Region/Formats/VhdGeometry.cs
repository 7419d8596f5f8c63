using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>The cylinders, heads and sectors that a VHD tells of, by the rule of its specification. No reader of large disks relies on them.</summary>
internal static class VhdGeometry
{
    private const long MostSectors = 65535L * 16 * 255;
    private const long LargeSectors = 65535L * 16 * 63;

    /// <summary>The geometry of a disk, as the four bytes of the footer: cylinders, heads, sectors of a track.</summary>
    /// <param name="size">Bytes of the disk.</param>
    public static uint Of(long size)
    {
        var total = Math.Min(size / BlockLayout.SectorSize, MostSectors);
        var (perTrack, heads) = total >= LargeSectors ? (255L, 16L) : Small(total);
        return (uint)((total / perTrack / heads << 16) | (heads << 8) | perTrack);
    }

    private static (long PerTrack, long Heads) Small(long total)
    {
        var tracks = total / 17;
        var heads = Math.Max(4, (tracks + 1023) / 1024);
        if (heads <= 16 && tracks < heads * 1024)
        {
            return (17, heads);
        }

        return total / 31 < 16 * 1024 ? (31, 16) : (63, 16);
    }
}
