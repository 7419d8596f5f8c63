using System.Buffers.Binary;
using System.Numerics;

namespace Gallery.Region.Formats;

/// <summary>The metadata of a VHDX that are needed to read it. All numbers little-endian.</summary>
/// <param name="BlockSize">Bytes of a block, a power of two from 1 MiB to 256 MiB.</param>
/// <param name="VirtualSize">Bytes of the disk.</param>
/// <param name="SectorSize">Bytes of a sector as the machine sees it: 512 or 4096.</param>
internal sealed record VhdxMetadata(uint BlockSize, long VirtualSize, uint SectorSize)
{
    private const int TableSize = 64 * 1024;
    private const int EntrySize = 32;
    private const int MaxEntries = 2047;
    private const int LargestItem = 64;
    private const uint SmallestBlock = 1 << 20;
    private const uint LargestBlock = 256 << 20;
    private const uint HasParent = 2;
    private const uint IsRequired = 4;
    private static readonly Guid FileParameters = new("caa16737-fa36-4d43-b3b6-33f0aa44e76b");
    private static readonly Guid DiskSize = new("2fa54224-cd1b-4876-b211-5dbed83bf4b8");
    private static readonly Guid LogicalSector = new("8141bf1d-a96f-4709-ba47-f233a8faab5f");
    private static readonly Guid PhysicalSector = new("cda348c7-445d-4471-9cc9-e9885251c556");
    private static readonly Guid DiskId = new("beca12ab-b2e6-4523-93ef-c309e000c746");
    private static readonly Guid ParentLocator = new("a8d35f2d-b30b-454d-abf7-d3d84834ab0c");

    /// <summary>Entries of the block table for each of a sector bitmap.</summary>
    public long ChunkRatio => ((1L << 23) * SectorSize) / BlockSize;

    /// <summary>Blocks of the disk.</summary>
    public long BlockCount => ((VirtualSize - 1) / BlockSize) + 1;

    /// <summary>Reads them.</summary>
    /// <exception cref="InvalidDiskFormatException">They are damaged, or the disk holds only what differs from another.</exception>
    public static async ValueTask<VhdxMetadata> ReadAsync(IRandomAccessFile file, FileRun region, CancellationToken cancellationToken)
    {
        var table = await file.ReadStructureAsync(region.Offset, TableSize, "The metadata table of the VHDX", cancellationToken);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(table.AsSpan(10));
        if (!table.AsSpan().StartsWith("metadata"u8) || count > MaxEntries)
        {
            throw new InvalidDiskFormatException($"At offset {region.Offset} should stand the metadata table of the VHDX: it is damaged.");
        }

        var items = new Dictionary<Guid, byte[]>();
        for (var i = 1; i <= count; i++)
        {
            var entry = table.AsMemory(i * EntrySize, EntrySize);
            var id = new Guid(entry.Span[..16]);
            if (id == FileParameters || id == DiskSize || id == LogicalSector)
            {
                items[id] = await ReadItemAsync(file, region, entry, cancellationToken);
            }
            else if (id == ParentLocator)
            {
                throw Differencing();
            }
            else if (id != PhysicalSector && id != DiskId && (BinaryPrimitives.ReadUInt32LittleEndian(entry.Span[24..]) & IsRequired) != 0)
            {
                throw new InvalidDiskFormatException($"The VHDX needs the metadata {id}, which are not known here.");
            }
        }

        return Make(items);
    }

    private static VhdxMetadata Make(Dictionary<Guid, byte[]> items)
    {
        if (!items.TryGetValue(FileParameters, out var file) || !items.TryGetValue(DiskSize, out var size))
        {
            throw new InvalidDiskFormatException("The metadata of the VHDX lack the size of its blocks or of the disk.");
        }

        if (!items.TryGetValue(LogicalSector, out var sector))
        {
            throw new InvalidDiskFormatException("The metadata of the VHDX lack the size of a sector.");
        }

        if ((BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(4)) & HasParent) != 0)
        {
            throw Differencing();
        }

        var metadata = new VhdxMetadata(
            BinaryPrimitives.ReadUInt32LittleEndian(file),
            BinaryPrimitives.ReadInt64LittleEndian(size),
            BinaryPrimitives.ReadUInt32LittleEndian(sector)
        );
        if (metadata.BlockSize is < SmallestBlock or > LargestBlock || !BitOperations.IsPow2(metadata.BlockSize))
        {
            throw new InvalidDiskFormatException($"The VHDX has blocks of {metadata.BlockSize} bytes; 1 MiB to 256 MiB are possible.");
        }

        if (metadata.SectorSize is not (512 or 4096))
        {
            throw new InvalidDiskFormatException($"The VHDX has sectors of {metadata.SectorSize} bytes; 512 and 4096 are possible.");
        }

        return metadata.VirtualSize > 0
            ? metadata
            : throw new InvalidDiskFormatException($"The VHDX tells of a disk of {metadata.VirtualSize} bytes.");
    }

    private static async ValueTask<byte[]> ReadItemAsync(
        IRandomAccessFile file,
        FileRun region,
        ReadOnlyMemory<byte> entry,
        CancellationToken cancellationToken
    )
    {
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(entry.Span[16..]);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(entry.Span[20..]);
        if (offset < TableSize || length is 0 or > LargestItem || offset > region.Length - length)
        {
            throw new InvalidDiskFormatException($"A metadata item of the VHDX at offset {offset}, {length} bytes long, can't be.");
        }

        // Shorter items than those read from here would be damaged; zeros behind them are refused by their checks.
        var item = new byte[LargestItem];
        await file.ReadPaddedAsync(region.Offset + offset, item.AsMemory(0, (int)length), cancellationToken);
        return item;
    }

    private static InvalidDiskFormatException Differencing() =>
        new("The VHDX holds only what differs from a parent. Make it complete in itself first: `qemu-img convert -O vhdx FILE disk.vhdx`.");
}
