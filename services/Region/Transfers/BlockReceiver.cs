using System.Runtime.ExceptionServices;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Transfers;

/// <summary>
/// Takes blocks from somebody else, checks each against the digest it was announced with, and writes them in batches. Hashing and writing of
/// the batches before go on while the next one is filled. For one caller at a time.
/// </summary>
/// <param name="store">Where to.</param>
/// <param name="pool">Where the batches come from.</param>
/// <param name="written">Told of the bytes as they are written.</param>
internal sealed class BlockReceiver(IBlockWriter store, BlockBatchPool pool, Action<long>? written = null) : IAsyncDisposable
{
    /// <summary>Batches that may be hashed and written while another is filled.</summary>
    private const int MaxRunning = 2;

    private readonly List<Task> _running = [];
    private readonly BlockRef[] _announced = new BlockRef[BlockBatch.MaxCount];
    private BlockBatch? _filling;
    private int _count;
    private int _length;

    /// <summary>Takes a block. It is checked later; a failure surfaces in a later call.</summary>
    /// <exception cref="RegionException">A block received before does not have its digest, or can't be written.</exception>
    public async ValueTask AddAsync(BlockRef block, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (bytes.Length != block.Length || block.Length is <= 0 or > BlockLayout.BlockSize)
        {
            throw new RegionException(
                ErrorReason.DigestMismatch,
                $"The block {block.Digest} was announced with {block.Length} bytes and came with {bytes.Length}."
            );
        }

        if (_filling is not null && (_count == BlockBatch.MaxCount || _length + block.Length > BlockBatch.Capacity))
        {
            await DispatchAsync(cancellationToken);
        }

        _filling ??= await pool.RentAsync(cancellationToken);
        bytes.Span.CopyTo(_filling.Free.Span[_length..]);
        _announced[_count++] = block;
        _length += block.Length;
    }

    /// <summary>Waits until all blocks are checked and written. They are not yet durable.</summary>
    /// <exception cref="RegionException">One does not have its digest, or can't be written.</exception>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        await DispatchAsync(cancellationToken);
        while (_running.Count > 0)
        {
            await ReapAsync();
        }
    }

    /// <summary>Sends on what came so far, however little: whoever has nothing to add for a while must not keep a batch from others.</summary>
    public async ValueTask DispatchAsync(CancellationToken cancellationToken)
    {
        if (_filling is null)
        {
            return;
        }

        while (_running.Count >= MaxRunning)
        {
            await ReapAsync();
        }

        var (batch, blocks) = (_filling, _announced.AsSpan(0, _count).ToArray());
        (_filling, _count, _length) = (null, 0, 0);
        _running.Add(Task.Run(() => CheckAndWriteAsync(batch, blocks, cancellationToken), CancellationToken.None));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_running).ContinueWith(_ => { }, TaskScheduler.Default);
        _filling?.Dispose();
    }

    private async ValueTask ReapAsync()
    {
        var done = await Task.WhenAny(_running);
        _running.Remove(done);
        if (done.Exception?.InnerException is { } failure)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        await done;
    }

    private async Task CheckAndWriteAsync(BlockBatch batch, BlockRef[] blocks, CancellationToken cancellationToken)
    {
        using (batch)
        {
            foreach (var block in blocks)
            {
                var digest = BlockDigest.Of(batch.Free.Span[..block.Length]);
                if (digest != block.Digest)
                {
                    throw new RegionException(
                        ErrorReason.DigestMismatch,
                        $"A block that was announced as {block.Digest} has the digest {digest}."
                    );
                }

                batch.Add(digest, block.Length);
            }

            await store.WriteAsync(batch, cancellationToken);
            written?.Invoke(batch.Length);
        }
    }
}
