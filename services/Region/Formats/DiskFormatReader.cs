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
        var found = Recognise(head, tail);
        if (named is not (DiskFormat.Unspecified or DiskFormat.Raw) && named != found)
        {
            throw Mismatch(file, named, found, tail);
        }

        IDiskLayout layout = (named == DiskFormat.Unspecified ? found : named) switch
        {
            DiskFormat.VhdFixed => OpenFixedVhd(file, tail),
            DiskFormat.VhdDynamic => await OpenDynamicVhdAsync(file, head, tail, cancellationToken),
            DiskFormat.Vhdx => await VhdxLayout.OpenAsync(file, cancellationToken),
            DiskFormat.Qcow2 => await Qcow2Layout.OpenAsync(file, cancellationToken),
            _ => new FlatLayout(DiskFormat.Raw, file.Length),
        };
        rules.CheckDisk(layout.VirtualSize);
        return layout;
    }

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
        if (byHead is DiskFormat.Vhdx or DiskFormat.Qcow2)
        {
            return byHead;
        }

        // Of a VHD the footer at the end counts; the copy at the beginning of a dynamic one is for the case that the end is lost.
        return VhdFooter.IsSound(tail) ? (VhdFooter.TypeOf(tail) == VhdFooter.Dynamic ? DiskFormat.VhdDynamic : DiskFormat.VhdFixed)
            : byHead == DiskFormat.Raw && VhdFooter.HasCookie(tail) ? DiskFormat.VhdFixed
            : byHead;
    }

    private static DiskFormat RecogniseHead(ReadOnlySpan<byte> head) =>
        head.StartsWith("vhdxfile"u8) ? DiskFormat.Vhdx
        : head.StartsWith("QFI"u8) && head[3] == 0xfb ? DiskFormat.Qcow2
        : VhdFooter.HasCookie(head) ? DiskFormat.VhdDynamic
        : DiskFormat.Raw;

    /// <summary>Says what is wrong with a file that has another format than was named.</summary>
    private static InvalidDiskFormatException Mismatch(IRandomAccessFile file, DiskFormat named, DiskFormat found, byte[] tail)
    {
        if (found == DiskFormat.Raw && named is DiskFormat.VhdFixed or DiskFormat.VhdDynamic)
        {
            return VhdFooter.Missing(tail, file.Length - VhdFooter.Size);
        }

        var signature = found == DiskFormat.Raw ? "no known signature" : $"the signature of a {NameOf(found)}";
        return new InvalidDiskFormatException($"A {NameOf(named)} was named, and the file has {signature}.");
    }

    private static FlatLayout OpenFixedVhd(IRandomAccessFile file, ReadOnlySpan<byte> tail)
    {
        var offset = file.Length - VhdFooter.Size;
        var footer = VhdFooter.Parse(tail, offset);
        RequireType(footer, VhdFooter.Fixed, offset);
        return footer.CurrentSize == offset
            ? new FlatLayout(DiskFormat.VhdFixed, footer.CurrentSize)
            : throw new InvalidDiskFormatException(
                $"The footer at offset {offset} tells of a disk of {footer.CurrentSize} bytes, and {offset} bytes stand before it."
            );
    }

    /// <summary>The footer is at the end, and a copy of it at the beginning for the case that the end is lost.</summary>
    private static ValueTask<DynamicVhdLayout> OpenDynamicVhdAsync(
        IRandomAccessFile file,
        byte[] head,
        byte[] tail,
        CancellationToken cancellationToken
    )
    {
        var end = file.Length - VhdFooter.Size;
        var footer = VhdFooter.IsSound(tail) ? VhdFooter.Parse(tail, end) : VhdFooter.Parse(head, 0);
        RequireType(footer, VhdFooter.Dynamic, VhdFooter.IsSound(tail) ? end : 0);
        return DynamicVhdLayout.OpenAsync(file, footer, cancellationToken);
    }

    private static void RequireType(VhdFooter footer, uint type, long offset)
    {
        if (footer.DiskType == VhdFooter.Differencing)
        {
            throw new InvalidDiskFormatException(
                $"The footer at offset {offset} is that of a differencing VHD (type 4), which holds only what differs from a parent. "
                    + "Make it complete in itself first: `qemu-img convert -O vpc FILE disk.vhd`."
            );
        }

        if (footer.DiskType != type)
        {
            throw new InvalidDiskFormatException(
                $"The footer at offset {offset} is that of a VHD of type {footer.DiskType}; a {(type == VhdFooter.Fixed ? "fixed" : "dynamic")} VHD has type {type}."
            );
        }
    }

    private static async ValueTask<byte[]> ReadSectorAsync(IRandomAccessFile file, long offset, CancellationToken cancellationToken)
    {
        var bytes = new byte[BlockLayout.SectorSize];
        await file.ReadPaddedAsync(offset, bytes, cancellationToken);
        return bytes;
    }
}
