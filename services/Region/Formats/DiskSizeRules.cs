using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>What a disk's and a file's sizes must be (`semantics.md` 10: 1 TiB a disk, a setting).</summary>
internal sealed class DiskSizeRules(long maxDiskBytes)
{
    private const long LeastContainerRoom = 64 << 20;

    /// <summary>The largest disk, in bytes.</summary>
    public long MaxDiskBytes { get; } = maxDiskBytes;

    /// <summary>
    /// The longest file of a format that lays a disk out in tables, in bytes: their size depends on the writer's choices, but a sixteenth of the
    /// disk is more than any of them takes.
    /// </summary>
    public long MaxContainerBytes => MaxDiskBytes + (MaxDiskBytes / 16) + LeastContainerRoom;

    /// <summary>Refuses a file whose size alone rules it out.</summary>
    /// <exception cref="RegionException">The reason is InvalidDiskFormat or GallerySourceResourceExceedsMaxSize.</exception>
    public void CheckFile(long fileSize, DiskFormat format)
    {
        // A container may end anywhere. A file whose format is still to be found out may be one.
        var sectors = format is DiskFormat.Raw or DiskFormat.VhdFixed;
        var least = format == DiskFormat.VhdFixed ? BlockLayout.SectorSize + VhdFooter.Size : BlockLayout.SectorSize;
        if (fileSize < least || (sectors && fileSize % BlockLayout.SectorSize != 0))
        {
            throw new InvalidDiskFormatException(
                $"A file of {fileSize} bytes is no {DiskFormatReader.NameOf(format)}: {least} bytes or more are needed{(sectors ? ", in whole sectors of 512" : "")}."
            );
        }

        if (sectors)
        {
            CheckDisk(format == DiskFormat.Raw ? fileSize : fileSize - VhdFooter.Size);
        }
        else if (fileSize > MaxContainerBytes)
        {
            throw new RegionException(
                ErrorReason.GallerySourceResourceExceedsMaxSize,
                $"The file has {fileSize} bytes; a disk of the {MaxDiskBytes} that are allowed takes {MaxContainerBytes} at the most."
            );
        }
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
