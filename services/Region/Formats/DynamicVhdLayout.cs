using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>
/// A dynamic VHD: a table names the sector at which each block of the disk stands, behind a bitmap of its sectors. The bitmap is not looked at:
/// in a file without a parent a sector that was never written is zero either way. All numbers big-endian.
/// </summary>
internal sealed class DynamicVhdLayout : IDiskLayout
{
    private const int HeaderSize = 1024;
    private const int ChecksumAt = 36;
    private const uint Unused = uint.MaxValue;
    private readonly IRandomAccessFile _file;
    private readonly long _tableOffset;
    private readonly uint _blockSize;

    private DynamicVhdLayout(IRandomAccessFile file, long virtualSize, long tableOffset, uint blockSize)
    {
        (_file, VirtualSize, _tableOffset, _blockSize) = (file, virtualSize, tableOffset, blockSize);
    }

    /// <inheritdoc/>
    public DiskFormat Format => DiskFormat.VhdDynamic;

    /// <inheritdoc/>
    public long VirtualSize { get; }

    private long BlockCount => (VirtualSize + _blockSize - 1) / _blockSize;

    private long BitmapSize => Math.Max(1, _blockSize / BlockLayout.SectorSize / 8 / BlockLayout.SectorSize) * BlockLayout.SectorSize;

    /// <summary>Reads the header that the footer points to.</summary>
    /// <exception cref="InvalidDiskFormatException">It is damaged.</exception>
    public static async ValueTask<DynamicVhdLayout> OpenAsync(IRandomAccessFile file, VhdFooter footer, CancellationToken cancellationToken)
    {
        var at = footer.DataOffset;
        var header = await file.ReadStructureAsync(at, HeaderSize, "The header of the dynamic VHD", cancellationToken);
        if (!header.AsSpan().StartsWith("cxsparse"u8))
        {
            throw new InvalidDiskFormatException($"At offset {at} should stand the header of a dynamic VHD, which begins with `cxsparse`.");
        }

        if (BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(ChecksumAt)) != VhdFooter.ChecksumOf(header, ChecksumAt))
        {
            throw new InvalidDiskFormatException(
                $"The header of the dynamic VHD at offset {at} does not have its checksum: it is damaged."
            );
        }

        var tableOffset = BinaryPrimitives.ReadInt64BigEndian(header.AsSpan(16));
        var entries = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(28));
        var blockSize = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(32));
        if (blockSize < BlockLayout.SectorSize || !BitOperations.IsPow2(blockSize))
        {
            throw new InvalidDiskFormatException($"The dynamic VHD has blocks of {blockSize} bytes; a power of two from 512 is needed.");
        }

        if (footer.CurrentSize <= 0)
        {
            throw new InvalidDiskFormatException($"The footer of the dynamic VHD tells of a disk of {footer.CurrentSize} bytes.");
        }

        var layout = new DynamicVhdLayout(file, footer.CurrentSize, tableOffset, blockSize);
        if (entries < layout.BlockCount)
        {
            throw new InvalidDiskFormatException(
                $"The dynamic VHD has a table of {entries} blocks, and a disk of {footer.CurrentSize} bytes has {layout.BlockCount}."
            );
        }

        if (tableOffset < 0 || tableOffset > file.Length - (layout.BlockCount * sizeof(uint)))
        {
            throw new InvalidDiskFormatException(
                $"The block table of the dynamic VHD at offset {tableOffset} runs past the file's {file.Length} bytes."
            );
        }

        return layout;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<DiskRun> RunsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var table = new TableReader(_file, _tableOffset, BlockCount, sizeof(uint));
        var budget = new FileBudget(_file.Length);
        for (var block = 0L; block < BlockCount; block++)
        {
            var entry = BinaryPrimitives.ReadUInt32BigEndian((await table.ReadAsync(block, cancellationToken)).Span);
            if (entry == Unused)
            {
                continue;
            }

            var offset = (entry * (long)BlockLayout.SectorSize) + BitmapSize;
            var length = Math.Min(_blockSize, VirtualSize - (block * _blockSize));
            if (entry == 0 || offset > _file.Length - length)
            {
                throw new InvalidDiskFormatException(
                    $"Block {block} of the dynamic VHD should stand at offset {offset}, {length} bytes long, and the file has {_file.Length} bytes."
                );
            }

            budget.Take(length);
            yield return DiskRun.Plain(block * _blockSize, length, offset);
        }
    }
}
