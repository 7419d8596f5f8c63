using System.Buffers;
using System.Runtime.CompilerServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Stores.Segments;

/// <summary>
/// Reads a store's segments again, in the order of the disk, and checks every block that is known to lie in them and every header. What is
/// moved meanwhile is checked by the mover, what is added by the writer.
/// </summary>
internal sealed class SegmentScrub(SegmentTable table, SegmentCompactor compactor)
{
    private const int StepBytes = 1024 * 1024;

    /// <summary>Reads on from a position.</summary>
    public async IAsyncEnumerable<ScrubStep> RunAsync(
        ScrubPosition from,
        Pace pace,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        while (Array.Find(table.Segments, segment => segment.Number >= from.Segment) is { } segment)
        {
            var offset = segment.Number == from.Segment ? from.Offset : 0;
            var blocks = table.BlocksOf(segment.Number, offset);
            for (var first = 0; first < blocks.Count; )
            {
                var count = Fitting(blocks, first);
                var some = blocks.GetRange(first, count);
                var bytes = some.Sum(entry => entry.Block.Length);
                await pace(bytes, cancellationToken);
                first += count;
                yield return new ScrubStep(new ScrubPosition(segment.Number, some[^1].Offset + 1), bytes, Check(segment, some));
            }

            CheckHeaders(segment);
            from = new ScrubPosition(segment.Number + 1, 0);
            yield return new ScrubStep(from, 0, []);
        }
    }

    private List<BlockRef> Check(Segment segment, List<(BlockRef Block, uint Offset)> blocks)
    {
        var bad = new List<BlockRef>();
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(BlockLayout.BlockSize, blocks.Max(entry => entry.Block.Length)));
        try
        {
            segment.DropCached(blocks[0].Offset, blocks[^1].Offset + blocks[^1].Block.Length - blocks[0].Offset);
            foreach (var (block, offset) in blocks)
            {
                if (!IsSound(segment, block, offset, buffer.AsSpan(0, block.Length)) && LiesAt(segment, block, offset))
                {
                    bad.Add(block);
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // The segment was rewritten meanwhile: its blocks were checked, and are reached where they lie now.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return bad;
    }

    private static bool IsSound(Segment segment, BlockRef block, uint offset, Span<byte> bytes)
    {
        try
        {
            segment.Read(bytes, offset);
            return BlockDigest.Of(bytes) == block.Digest;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private bool LiesAt(Segment segment, BlockRef block, uint offset) =>
        table.TryFind(block.Digest, out var location) && location == new BlockLocation(segment.Number, offset, block.Length);

    /// <summary>A damaged header would hide its blocks at the next start, so the segment is rewritten while they are still known.</summary>
    private void CheckHeaders(Segment segment)
    {
        var page = new byte[GroupHeader.Size];
        try
        {
            for (long offset = 0, length = segment.Length; offset < length; )
            {
                segment.DropCached(offset, page.Length);
                segment.Read(page, offset);
                if (GroupHeader.TryRead(page, segment.Number, (uint)offset) is not { } group)
                {
                    compactor.PlanAlso(segment.Number);
                    return;
                }

                offset = group.End;
            }
        }
        catch (ObjectDisposedException)
        {
            // Rewritten meanwhile.
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            compactor.PlanAlso(segment.Number);
        }
    }

    private static int Fitting(List<(BlockRef Block, uint Offset)> blocks, int first)
    {
        var (count, length) = (1, blocks[first].Block.Length);
        while (first + count < blocks.Count && length + blocks[first + count].Block.Length <= StepBytes)
        {
            length += blocks[first + count++].Block.Length;
        }

        return count;
    }
}
