using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>What a disk's and a file's sizes must be (`semantics.md` 10: 1 TiB a disk, a setting).</summary>
internal sealed class DiskSizeRules(long maxDiskBytes)
{
    /// <summary>The largest disk, in bytes.</summary>
    public long MaxDiskBytes { get; } = maxDiskBytes;

    /// <summary>Refuses a file whose size alone rules it out.</summary>
    /// <exception cref="RegionException">The reason is InvalidDiskFormat, GallerySourceResourceExceedsMaxSize or NotSupportedYet.</exception>
    public void CheckFile(long fileSize, DiskFormat format)
    {
        if (format is DiskFormat.VhdDynamic or DiskFormat.Vhdx or DiskFormat.Qcow2)
        {
            throw DiskFormatReader.NotReadYet(format);
        }

        var least = format == DiskFormat.VhdFixed ? BlockLayout.SectorSize + VhdFooter.Size : BlockLayout.SectorSize;
        if (fileSize < least || fileSize % BlockLayout.SectorSize != 0)
        {
            throw new InvalidDiskFormatException(
                $"A file of {fileSize} bytes is no {DiskFormatReader.NameOf(format)}: {least} bytes or more are needed, in whole sectors of 512."
            );
        }

        // A file whose format is still to be found out may be a VHD, whose footer does not belong to the disk.
        CheckDisk(format == DiskFormat.Raw ? fileSize : Math.Max(BlockLayout.SectorSize, fileSize - VhdFooter.Size));
    }

    /// <summary>Refuses a disk that is too large, empty, or not made of whole sectors.</summary>
    public void CheckDisk(long virtualSize)
    {
        if (virtualSize > MaxDiskBytes)
        {
            throw new RegionException(
                ErrorReason.GallerySourceResourceExceedsMaxSize,
                $"The disk has {virtualSize} bytes; {MaxDiskBytes} are allowed."
            );
        }

        if (virtualSize <= 0 || virtualSize % BlockLayout.SectorSize != 0)
        {
            throw new InvalidDiskFormatException(
                $"A disk of {virtualSize} bytes can't be: it takes whole sectors of 512 bytes, at least one."
            );
        }
    }
}
