using System.Buffers;
using Gallery.Region.Blocks;
using Microsoft.Win32.SafeHandles;

namespace Gallery.Region.Stores.Segments;

/// <summary>
/// Reads back what a segment file holds. Groups up to the last durable mark are taken by their headers; those behind it may have been torn by a
/// crash and are checked block by block. A damaged header hides only its own group: the scan looks for the next one and then trusts nothing
/// that it has not checked.
/// </summary>
internal static class SegmentScanner
{
    /// <summary>Calls back for each whole group, in order.</summary>
    /// <returns>Where the last whole group ends, what the last durable mark tells, and whether whole groups with blocks stand behind that.</returns>
    public static (long End, long Durable, bool HasUnmarked) Scan(SafeFileHandle file, uint segment, Action<Group> visit)
    {
        var length = RandomAccess.GetLength(file);
        var groups = ReadHeaders(file, segment, length, out var damagedAt);
        long durable = 0;
        foreach (var group in groups)
        {
            durable = Math.Max(durable, Math.Min(group.Durable, group.Offset));
        }

        long end = 0;
        var unmarked = false;
        var buffer = ArrayPool<byte>.Shared.Rent(BlockLayout.BlockSize);
        try
        {
            foreach (var group in groups)
            {
                if ((group.Offset < durable && group.Offset < damagedAt) || IsWhole(file, group, buffer))
                {
                    visit(group);
                    end = group.End;
                    unmarked |= group.Offset >= durable && group.Blocks.Length > 0;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return (end, durable, unmarked);
    }

    private static List<Group> ReadHeaders(SafeFileHandle file, uint segment, long length, out long damagedAt)
    {
        var groups = new List<Group>();
        var page = new byte[GroupHeader.Size];
        damagedAt = long.MaxValue;
        long offset = 0;
        while (offset + GroupHeader.Size <= length && RandomAccess.Read(file, page, offset) == page.Length)
        {
            var group = GroupHeader.TryRead(page, segment, (uint)offset);
            if (group is not null && group.End <= length)
            {
                groups.Add(group);
                offset = group.End;
            }
            else
            {
                damagedAt = Math.Min(damagedAt, offset);
                offset += GroupHeader.Size;
            }
        }

        return groups;
    }

    private static bool IsWhole(SafeFileHandle file, Group group, byte[] buffer)
    {
        // What the system remembers of a write that failed is not what is on the disk.
        Posix.DropCached(file, group.Offset, group.End - group.Offset);
        var offset = (long)group.Offset + GroupHeader.Size;
        foreach (ref readonly var block in group.Blocks.AsSpan())
        {
            if (block.Length > buffer.Length)
            {
                return false;
            }

            var bytes = buffer.AsSpan(0, block.Length);
            if (RandomAccess.Read(file, bytes, offset) != block.Length || BlockDigest.Of(bytes) != block.Digest)
            {
                return false;
            }

            offset += block.Length;
        }

        return true;
    }
}
