using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>
/// Finds out what a file is and reads its headers. A format that was named is held to; without a name the file's own signature decides, and a
/// file without one is a raw disk. Nothing in a file is believed: every size, offset and count is checked before it is used.
/// </summary>
internal sealed class DiskFormatReader(DiskSizeRules rules)
{
    /// <summary>Reads the file's headers in the format named, or in its own.</summary>
    /// <exception cref="RegionException">
    /// InvalidDiskFormat when it is not what it was said to be, is damaged or needs something besides itself;
    /// GallerySourceResourceExceedsMaxSize when the disk is too large.
    /// </exception>
    public async ValueTask<IDiskLayout> OpenAsync(IRandomAccessFile file, DiskFormat named, CancellationToken cancellationToken)
    {
        var head = await ReadSectorAsync(file, 0, cancellationToken);
        var tail = await ReadSectorAsync(file, Math.Max(0, file.Length - VhdFooter.Size), cancellationToken);
        var found = named == DiskFormat.Unspecified ? Recognise(head, tail) : named;
        var layout = found switch
        {
            DiskFormat.VhdFixed => OpenFixedVhd(file, head, tail),
            DiskFormat.Raw => new FlatLayout(file, DiskFormat.Raw, file.Length),
            _ => throw NotReadYet(found),
        };
        rules.CheckDisk(layout.VirtualSize);
        return layout;
    }

    /// <summary>The refusal of a format that is known by its signature only.</summary>
    public static RegionException NotReadYet(DiskFormat format) =>
        new(
            ErrorReason.NotSupportedYet,
            $"The file is a {NameOf(format)}, which is not read yet. Convert it first: `qemu-img convert -O raw FILE disk.raw`."
        );

    /// <summary>What people call a format.</summary>
    public static string NameOf(DiskFormat format) =>
        format switch
        {
            DiskFormat.VhdFixed => "fixed VHD",
            DiskFormat.VhdDynamic => "dynamic VHD",
            DiskFormat.Vhdx => "VHDX",
            DiskFormat.Qcow2 => "qcow2 image",
            DiskFormat.Raw => "raw disk",
            _ => "disk file",
        };

    private static DiskFormat Recognise(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        var byHead = RecogniseHead(head);
        return byHead != DiskFormat.Raw ? byHead
            : VhdFooter.HasCookie(tail) ? DiskFormat.VhdFixed
            : DiskFormat.Raw;
    }

    private static DiskFormat RecogniseHead(ReadOnlySpan<byte> head) =>
        head.StartsWith("vhdxfile"u8) ? DiskFormat.Vhdx
        : head.StartsWith("QFI"u8) && head[3] == 0xfb ? DiskFormat.Qcow2
        : VhdFooter.HasCookie(head) ? DiskFormat.VhdDynamic
        : DiskFormat.Raw;

    private static FlatLayout OpenFixedVhd(IRandomAccessFile file, ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        if (!VhdFooter.HasCookie(tail) && RecogniseHead(head) is var other && other != DiskFormat.Raw)
        {
            throw new InvalidDiskFormatException($"A fixed VHD was named, and at offset 0 stands the signature of a {NameOf(other)}.");
        }

        var offset = file.Length - VhdFooter.Size;
        var footer = VhdFooter.Parse(tail, offset);
        if (footer.DiskType != VhdFooter.Fixed)
        {
            var kind = footer.DiskType switch
            {
                3 => "a dynamic VHD (type 3)",
                4 => "a differencing VHD (type 4)",
                _ => $"a VHD of type {footer.DiskType}",
            };
            throw new InvalidDiskFormatException($"The footer at offset {offset} is that of {kind}; a fixed VHD has type 2.");
        }

        return footer.CurrentSize == offset
            ? new FlatLayout(file, DiskFormat.VhdFixed, footer.CurrentSize)
            : throw new InvalidDiskFormatException(
                $"The footer at offset {offset} tells of a disk of {footer.CurrentSize} bytes, and {offset} bytes stand before it."
            );
    }

    private static async ValueTask<byte[]> ReadSectorAsync(IRandomAccessFile file, long offset, CancellationToken cancellationToken)
    {
        var bytes = new byte[BlockLayout.SectorSize];
        await file.ReadPaddedAsync(offset, bytes, cancellationToken);
        return bytes;
    }
}
