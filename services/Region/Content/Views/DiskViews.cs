using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;

namespace Gallery.Region.Content.Views;

/// <summary>The formats that a disk is given out in. None of them is stored: headers and tables are computed from the manifest.</summary>
internal static class DiskViews
{
    /// <summary>The largest disk that a VHD may hold.</summary>
    private const long MaxVhdBytes = 2040L << 30;

    /// <summary>The format that a name stands for: `raw`, `vhd`, `qcow2`; UNSPECIFIED for any other.</summary>
    public static DiskFormat FormatOf(string name) =>
        name switch
        {
            "raw" => DiskFormat.Raw,
            "vhd" => DiskFormat.VhdFixed,
            "qcow2" => DiskFormat.Qcow2,
            _ => DiskFormat.Unspecified,
        };

    /// <summary>What a file of a format is told apart by from others of the same content. Changes when the bytes of a format ever do.</summary>
    public static string TagOf(string digest, DiskFormat format) =>
        format switch
        {
            DiskFormat.VhdFixed => $"{digest}-vhd-1",
            DiskFormat.Qcow2 => $"{digest}-qcow2-1",
            _ => digest,
        };

    /// <summary>Shows a disk as a file of a format.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="content">Its content.</param>
    /// <param name="format">RAW, VHD_FIXED or QCOW2.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="RegionException">InvalidParameter when the disk is too large for the format.</exception>
    public static async ValueTask<IDiskView> OpenAsync(
        DiskReader disk,
        BlockDigest content,
        DiskFormat format,
        CancellationToken cancellationToken
    ) =>
        format switch
        {
            DiskFormat.VhdFixed when disk.Length > MaxVhdBytes => throw new RegionException(
                ErrorReason.InvalidParameter,
                $"A VHD holds {MaxVhdBytes} bytes at the most, and the disk has {disk.Length}. Read it as raw or qcow2."
            ),
            DiskFormat.VhdFixed => new VhdView(disk, content),
            DiskFormat.Qcow2 => await Qcow2View.OpenAsync(disk, cancellationToken),
            _ => disk,
        };
}
