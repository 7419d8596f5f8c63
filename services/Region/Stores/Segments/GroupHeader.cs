using System.Buffers.Binary;
using System.Numerics;
using Gallery.Region.Blocks;

namespace Gallery.Region.Stores.Segments;

/// <summary>
/// What stands before the blocks of one write. A segment file is a row of groups, each a header page and the blocks it lists, back to back,
/// padded to a page. Opening a store reads the headers only: one page for up to 4 MiB of blocks.
/// </summary>
/// <remarks>
/// Little-endian: magic `GSG1` 4, CRC-32C of the page (with this field zero) 4, version 2, count 2, bytes of data 4, segment 4, offset of the
/// group 4, durable offset 4, zero 4; from byte 32 for each block its digest 32 and length 4. The header names its own place, so that a copy of
/// a header inside a block's bytes is not taken for one.
/// </remarks>
internal static class GroupHeader
{
    /// <summary>Bytes of a header, and what groups are aligned to.</summary>
    public const int Size = AlignedMemory.PageSize;

    private const uint Magic = 0x31475347;
    private const ushort Version = 1;
    private const int EntriesAt = 32;
    private const int EntrySize = BlockDigest.Size + sizeof(int);

    /// <summary>Bytes of a group with so many bytes of data.</summary>
    public static int GroupSize(int dataLength) => Size + ((dataLength + Size - 1) / Size * Size);

    /// <summary>Writes a header.</summary>
    /// <param name="page">Where to.</param>
    /// <param name="segment">Number of the segment.</param>
    /// <param name="offset">Where the group begins in it.</param>
    /// <param name="durable">Groups that begin before this offset are on stable storage.</param>
    /// <param name="blocks">The blocks, in the order of their bytes.</param>
    /// <param name="dataLength">Bytes of all blocks.</param>
    public static void Write(Span<byte> page, uint segment, uint offset, uint durable, ReadOnlySpan<BlockRef> blocks, int dataLength)
    {
        page.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(page, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(page[8..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(page[10..], (ushort)blocks.Length);
        BinaryPrimitives.WriteInt32LittleEndian(page[12..], dataLength);
        BinaryPrimitives.WriteUInt32LittleEndian(page[16..], segment);
        BinaryPrimitives.WriteUInt32LittleEndian(page[20..], offset);
        BinaryPrimitives.WriteUInt32LittleEndian(page[24..], durable);
        var at = EntriesAt;
        foreach (ref readonly var block in blocks)
        {
            block.Digest.CopyTo(page[at..]);
            BinaryPrimitives.WriteInt32LittleEndian(page[(at + BlockDigest.Size)..], block.Length);
            at += EntrySize;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(page[4..], Checksum(page));
    }

    /// <summary>Reads the header that stands at an offset of a segment; null when there is none.</summary>
    public static Group? TryRead(ReadOnlySpan<byte> page, uint segment, uint offset)
    {
        if (
            BinaryPrimitives.ReadUInt32LittleEndian(page) != Magic
            || BinaryPrimitives.ReadUInt16LittleEndian(page[8..]) != Version
            || BinaryPrimitives.ReadUInt32LittleEndian(page[16..]) != segment
            || BinaryPrimitives.ReadUInt32LittleEndian(page[20..]) != offset
            || BinaryPrimitives.ReadUInt32LittleEndian(page[4..]) != Checksum(page)
        )
        {
            return null;
        }

        var count = BinaryPrimitives.ReadUInt16LittleEndian(page[10..]);
        var dataLength = BinaryPrimitives.ReadInt32LittleEndian(page[12..]);
        if (count > BlockBatch.MaxCount)
        {
            return null;
        }

        var blocks = new BlockRef[count];
        long sum = 0;
        for (var i = 0; i < count; i++)
        {
            var entry = page.Slice(EntriesAt + (i * EntrySize), EntrySize);
            blocks[i] = new BlockRef(new BlockDigest(entry), BinaryPrimitives.ReadInt32LittleEndian(entry[BlockDigest.Size..]));
            sum += blocks[i].Length;
            if (blocks[i].Length <= 0)
            {
                return null;
            }
        }

        return sum == dataLength ? new Group(offset, BinaryPrimitives.ReadUInt32LittleEndian(page[24..]), dataLength, blocks) : null;
    }

    private static uint Checksum(ReadOnlySpan<byte> page)
    {
        var crc = BitOperations.Crc32C(uint.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(page));
        crc = BitOperations.Crc32C(crc, 0u);
        for (var at = 8; at < Size; at += sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(page[at..]));
        }

        return ~crc;
    }
}

/// <summary>A group as its header tells of it.</summary>
/// <param name="Offset">Where it begins in its segment.</param>
/// <param name="Durable">Groups that begin before this offset were on stable storage when it was written.</param>
/// <param name="DataLength">Bytes of its blocks.</param>
/// <param name="Blocks">Its blocks, in the order of their bytes.</param>
internal sealed record Group(uint Offset, uint Durable, int DataLength, BlockRef[] Blocks)
{
    /// <summary>First byte behind the group.</summary>
    public long End => Offset + (long)GroupHeader.GroupSize(DataLength);
}
