using System.Buffers.Binary;
using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>
/// What stands at the beginning of a VHDX: two headers of which the newer sound one counts, and two tables of the same regions. All numbers
/// little-endian.
/// </summary>
/// <param name="Table">Where the block allocation table stands.</param>
/// <param name="Metadata">Where the metadata stand.</param>
internal sealed record VhdxHeader(FileRun Table, FileRun Metadata)
{
    /// <summary>Regions begin at multiples of 1 MiB and are as long.</summary>
    public const int Alignment = 1 << 20;

    private const int HeaderSize = 4096;
    private const int RegionTableSize = 64 * 1024;
    private const int EntriesAt = 16;
    private const int EntrySize = 32;
    private const int MaxEntries = 2047;
    private static readonly long[] HeaderOffsets = [64 * 1024, 128 * 1024];
    private static readonly long[] RegionTableOffsets = [192 * 1024, 256 * 1024];
    private static readonly Guid TableRegion = new("2dc27766-f623-4200-9d64-115e9bfd4a08");
    private static readonly Guid MetadataRegion = new("8b7ca206-4790-4b9a-b8fe-575f050f886e");

    /// <summary>Reads them.</summary>
    /// <exception cref="InvalidDiskFormatException">They are damaged, or the file was not closed properly.</exception>
    public static async ValueTask<VhdxHeader> ReadAsync(IRandomAccessFile file, CancellationToken cancellationToken)
    {
        await CheckHeaderAsync(file, cancellationToken);
        foreach (var offset in RegionTableOffsets)
        {
            var table = await file.ReadStructureAsync(offset, RegionTableSize, "The region table of the VHDX", cancellationToken);
            if (table.AsSpan().StartsWith("regi"u8) && Crc32C.IsSound(table))
            {
                return Parse(table, file.Length);
            }
        }

        throw new InvalidDiskFormatException("Neither region table of the VHDX has its signature and checksum: the file is damaged.");
    }

    private static async ValueTask CheckHeaderAsync(IRandomAccessFile file, CancellationToken cancellationToken)
    {
        byte[]? newest = null;
        foreach (var offset in HeaderOffsets)
        {
            var header = await file.ReadStructureAsync(offset, HeaderSize, "The header of the VHDX", cancellationToken);
            if (header.AsSpan().StartsWith("head"u8) && Crc32C.IsSound(header) && (newest is null || Sequence(header) > Sequence(newest)))
            {
                newest = header;
            }
        }

        if (newest is null)
        {
            throw new InvalidDiskFormatException("Neither header of the VHDX has its signature and checksum: the file is damaged.");
        }

        var version = BinaryPrimitives.ReadUInt16LittleEndian(newest.AsSpan(66));
        if (version != 1)
        {
            throw new InvalidDiskFormatException($"The VHDX is of version {version}; 1 is known.");
        }

        if (new Guid(newest.AsSpan(48, 16)) != Guid.Empty)
        {
            throw new InvalidDiskFormatException(
                "The VHDX was not closed properly: changes in its log are not yet in place. Open and close it with what made it, or repair it: `qemu-img check -r all FILE`."
            );
        }
    }

    private static ulong Sequence(byte[] header) => BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(8));

    private static VhdxHeader Parse(ReadOnlySpan<byte> bytes, long fileLength)
    {
        var count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (count > MaxEntries)
        {
            throw new InvalidDiskFormatException($"The region table of the VHDX tells of {count} regions; {MaxEntries} are possible.");
        }

        FileRun? table = null;
        FileRun? metadata = null;
        for (var i = 0; i < count; i++)
        {
            var entry = bytes.Slice(EntriesAt + (i * EntrySize), EntrySize);
            var id = new Guid(entry[..16]);
            if (id == TableRegion)
            {
                table = ReadRegion(entry, "block table", fileLength, table);
            }
            else if (id == MetadataRegion)
            {
                metadata = ReadRegion(entry, "metadata", fileLength, metadata);
            }
            else if ((BinaryPrimitives.ReadUInt32LittleEndian(entry[28..]) & 1) != 0)
            {
                throw new InvalidDiskFormatException($"The VHDX needs the region {id}, which is not known here.");
            }
        }

        return table is { } t && metadata is { } m
            ? new VhdxHeader(t, m)
            : throw new InvalidDiskFormatException("The region table of the VHDX names no block table or no metadata.");
    }

    private static FileRun ReadRegion(ReadOnlySpan<byte> entry, string what, long fileLength, FileRun? before)
    {
        var offset = BinaryPrimitives.ReadUInt64LittleEndian(entry[16..]);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(entry[24..]);
        var fits =
            before is null
            && offset >= Alignment
            && offset % Alignment == 0
            && length >= BlockLayout.BlockSize
            && length <= fileLength
            && offset <= (ulong)(fileLength - length);
        return fits
            ? new FileRun((long)offset, length)
            : throw new InvalidDiskFormatException(
                $"The VHDX names offset {offset} and {length} bytes for its {what}, which does not fit a file of {fileLength} bytes, or names it twice."
            );
    }
}
