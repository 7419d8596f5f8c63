using Gallery.Region.Blocks;

namespace Gallery.Region.Stores;

/// <summary>Reads a block from somewhere else on the node. False when nobody has it.</summary>
internal delegate ValueTask<bool> Rescue(BlockRef block, Memory<byte> destination, CancellationToken cancellationToken);

/// <summary>
/// A store whose readers get a damaged block from another store of the node that happens to have it, since a block is the same wherever it
/// lies. What was found damaged is told, and mended by others.
/// </summary>
/// <param name="inner">The store.</param>
/// <param name="rescue">Reads a block from another store.</param>
/// <param name="damaged">Told of each block that the store could not give.</param>
internal sealed class MendingStore(IBlockStore inner, Rescue rescue, Action<BlockRef, RegionException> damaged) : IBlockStore
{
    /// <inheritdoc/>
    public long BlockCount => inner.BlockCount;

    /// <inheritdoc/>
    public long UsedBytes => inner.UsedBytes;

    /// <inheritdoc/>
    public bool TryGetLength(in BlockDigest digest, out int length) => inner.TryGetLength(digest, out length);

    /// <inheritdoc/>
    public bool Holds(in BlockDigest digest) => inner.Holds(digest);

    /// <inheritdoc/>
    public ValueTask ReadAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(inner.ReadAsync, blocks, destination, cancellationToken);

    /// <inheritdoc/>
    public ValueTask ReadUncheckedAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(inner.ReadUncheckedAsync, blocks, destination, cancellationToken);

    /// <inheritdoc/>
    public ValueTask WriteAsync(BlockBatch batch, CancellationToken cancellationToken) => inner.WriteAsync(batch, cancellationToken);

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IBlockCollection> BeginCollectionAsync(CancellationToken cancellationToken) =>
        inner.BeginCollectionAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> CompactAsync(BlockBatchPool pool, Pace pace, CancellationToken cancellationToken) =>
        inner.CompactAsync(pool, pace, cancellationToken);

    /// <inheritdoc/>
    public ValueTask ReplaceAsync(BlockBatch batch, CancellationToken cancellationToken) => inner.ReplaceAsync(batch, cancellationToken);

    /// <inheritdoc/>
    public void Forget(in BlockDigest digest) => inner.Forget(digest);

    /// <inheritdoc/>
    public IReadOnlyList<BlockRef> ListBlocks() => inner.ListBlocks();

    /// <inheritdoc/>
    public IAsyncEnumerable<ScrubStep> ScrubAsync(ScrubPosition from, Pace pace, CancellationToken cancellationToken) =>
        inner.ScrubAsync(from, pace, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask ReadAsync(
        Func<ReadOnlyMemory<BlockRef>, Memory<byte>, CancellationToken, ValueTask> readAll,
        ReadOnlyMemory<BlockRef> blocks,
        Memory<byte> destination,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await readAll(blocks, destination, cancellationToken);
            return;
        }
        catch (Exception exception) when (exception is BlockCorruptException or BlockMissingException)
        {
            // Found out block by block below.
        }

        for (var i = 0; i < blocks.Length; i++)
        {
            var length = blocks.Span[i].Length;
            await ReadOneAsync(blocks.Slice(i, 1), destination[..length], cancellationToken);
            destination = destination[length..];
        }
    }

    private async ValueTask ReadOneAsync(ReadOnlyMemory<BlockRef> block, Memory<byte> destination, CancellationToken cancellationToken)
    {
        try
        {
            await inner.ReadAsync(block, destination, cancellationToken);
        }
        catch (Exception exception) when (exception is BlockCorruptException or BlockMissingException)
        {
            damaged(block.Span[0], (RegionException)exception);
            if (!await rescue(block.Span[0], destination, cancellationToken))
            {
                throw;
            }
        }
    }
}
