using System.Collections.Concurrent;
using Gallery.Region.Blocks;

namespace Gallery.Region.Stores.Segments;

/// <summary>
/// Rewrites segments of which most is dead. What is alive is copied to the newest segment, and only when the copies are durable do they take
/// the place of the blocks; only when no block is left in the old segment is it deleted. A crash at any step leaves at least one durable copy
/// of every block, and at worst a second one that the next collection finds dead. Readers and writers go on meanwhile.
/// </summary>
internal sealed class SegmentCompactor(SegmentTable table, SegmentLog log)
{
    private readonly ConcurrentQueue<uint> _planned = new();

    /// <summary>Plans to rewrite segments; what was planned before and not begun is forgotten.</summary>
    public void Plan(List<uint> segments)
    {
        _planned.Clear();
        segments.ForEach(_planned.Enqueue);
    }

    /// <summary>Plans to rewrite one segment more.</summary>
    public void PlanAlso(uint segment) => _planned.Enqueue(segment);

    /// <summary>Rewrites what is planned.</summary>
    /// <param name="pool">Buffers.</param>
    /// <param name="pace">Waits before so many bytes are read and written again.</param>
    /// <param name="cancellationToken">Ends the work between two batches.</param>
    /// <returns>Bytes that the segment files became smaller by.</returns>
    public async ValueTask<long> RunAsync(BlockBatchPool pool, Pace pace, CancellationToken cancellationToken)
    {
        var freed = 0L;
        while (_planned.TryDequeue(out var number))
        {
            if (await log.SealAsync(number, cancellationToken) is { } segment)
            {
                freed += await RewriteAsync(segment, pool, pace, cancellationToken);
            }
        }

        return freed;
    }

    private async ValueTask<long> RewriteAsync(Segment segment, BlockBatchPool pool, Pace pace, CancellationToken cancellationToken)
    {
        var moves = new List<BlockMove>();
        long copied = 0;
        var blocks = table.BlocksOf(segment.Number);
        for (var first = 0; first < blocks.Count; )
        {
            var count = Fitting(blocks, first);
            var bytes = blocks.GetRange(first, count).Sum(entry => entry.Block.Length);
            await pace(bytes, cancellationToken);
            if (!await CopyAsync(segment, blocks.GetRange(first, count), pool, moves, cancellationToken))
            {
                return 0;
            }

            copied += bytes;
            first += count;
        }

        await log.FlushAsync(cancellationToken);
        table.Move([.. moves]);
        var deleted = await log.DeleteAsync(segment, cancellationToken);
        return deleted == 0 ? 0 : deleted - copied;
    }

    /// <returns>False when the segment is gone: nothing in it was alive any more.</returns>
    private async ValueTask<bool> CopyAsync(
        Segment segment,
        List<(BlockRef Block, uint Offset)> blocks,
        BlockBatchPool pool,
        List<BlockMove> moves,
        CancellationToken cancellationToken
    )
    {
        using var batch = await pool.RentAsync(cancellationToken);
        var from = new List<BlockLocation>();
        try
        {
            foreach (var (block, offset) in blocks)
            {
                var bytes = batch.Free[..block.Length];
                if (TryRead(segment, offset, bytes.Span) && BlockDigest.Of(bytes.Span) == block.Digest)
                {
                    batch.Add(block.Digest, block.Length);
                    from.Add(new BlockLocation(segment.Number, offset, block.Length));
                }
            }
        }
        catch (ObjectDisposedException)
        {
            return false;
        }

        if (batch.Count == 0 || await log.AppendAsync(batch, AppendMode.Copy, cancellationToken) is not { } place)
        {
            return true;
        }

        var to = place.Offset;
        for (var i = 0; i < from.Count; i++)
        {
            moves.Add(new BlockMove(batch.Entries.Span[i].Digest, from[i], new BlockLocation(place.Segment, to, from[i].Length)));
            to += (uint)from[i].Length;
        }

        return true;
    }

    /// <returns>False for a damaged block. It stays where it is, and its segment with it, until it is repaired or given up.</returns>
    private static bool TryRead(Segment segment, uint offset, Span<byte> bytes)
    {
        try
        {
            segment.Read(bytes, offset);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static int Fitting(List<(BlockRef Block, uint Offset)> blocks, int first)
    {
        var (count, length) = (0, 0);
        while (
            first + count < blocks.Count
            && count < BlockBatch.MaxCount
            && length + blocks[first + count].Block.Length <= BlockBatch.Capacity
        )
        {
            length += blocks[first + count++].Block.Length;
        }

        return count;
    }
}
