using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Transfers;

/// <summary>Another store of the same node. A block is read straight into the batch that is written, and hashed there once: no copy is made.</summary>
internal sealed class LocalSource(string region, RegionStore store, IBatchLender batches) : IContentSource
{
    /// <inheritdoc/>
    public string Region => region;

    /// <inheritdoc/>
    public int BlocksPerRequest => BlockBatch.Capacity / BlockLayout.BlockSize;

    /// <inheritdoc/>
    public int Concurrency => 3;

    /// <inheritdoc/>
    public IBatchLender Batches => batches;

    /// <inheritdoc/>
    public async ValueTask ReadNodesAsync(
        BlockDigest content,
        IReadOnlyList<BlockDigest> nodes,
        Func<BlockDigest, ReadOnlyMemory<byte>, ValueTask> receive,
        CancellationToken cancellationToken
    )
    {
        foreach (var node in nodes)
        {
            await receive(node, await store.ReadNodeAsync(node, cancellationToken));
        }
    }

    /// <inheritdoc/>
    public async ValueTask CopyBlocksAsync(
        BlockDigest content,
        BlockRun run,
        IBlockStore target,
        Action<long> written,
        CancellationToken cancellationToken
    )
    {
        using var batch = await batches.RentAsync(cancellationToken);
        var blocks = run.Blocks;
        while (blocks.Length > 0)
        {
            batch.Clear();
            var some = blocks[..Fitting(blocks.Span)];
            await store.Blocks.ReadAsync(some, batch.Free, cancellationToken);
            foreach (ref readonly var block in some.Span)
            {
                batch.Add(block.Digest, block.Length);
            }

            await target.WriteAsync(batch, cancellationToken);
            written(batch.Length);
            blocks = blocks[some.Length..];
        }
    }

    private static int Fitting(ReadOnlySpan<BlockRef> blocks)
    {
        var (count, length) = (0, 0);
        while (count < blocks.Length && count < BlockBatch.MaxCount && length + blocks[count].Length <= BlockBatch.Capacity)
        {
            length += blocks[count++].Length;
        }

        return count;
    }
}
