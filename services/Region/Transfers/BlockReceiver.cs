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
/// <param name="batches">Where the batches come from.</param>
/// <param name="written">Told of the bytes as they are written.</param>
internal sealed class BlockReceiver(IBlockWriter store, IBatchLender batches, Action<long>? written = null) : IAsyncDisposable
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

        await MakeRoomAsync(block.Length, cancellationToken);
        bytes.CopyTo(Take(block));
    }

    /// <summary>
    /// Gives the memory in which the next blocks are to be put, back to back, before the next call: so that they can be read there from
    /// wherever they come. They are checked later; a failure surfaces in a later call.
    /// </summary>
    /// <param name="blocks">One block or more, each of 1 to 64 KiB.</param>
    /// <param name="cancellationToken">Ends the wait for memory.</param>
    /// <returns>How many of the blocks, at least the first, and their place.</returns>
    /// <exception cref="RegionException">A block received before does not have its digest, or can't be written.</exception>
    public async ValueTask<(int Count, Memory<byte> Place)> ReserveAsync(
        ReadOnlyMemory<BlockRef> blocks,
        CancellationToken cancellationToken
    )
    {
        await MakeRoomAsync(blocks.Span[0].Length, cancellationToken);
        var (start, count) = (_length, 0);
        while (count < blocks.Length && HasRoomFor(blocks.Span[count].Length))
        {
            Take(blocks.Span[count++]);
        }

        return (count, _filling!.Free[start.._length]);
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

    private bool HasRoomFor(int length) => _count < BlockBatch.MaxCount && _length + length <= BlockBatch.Capacity;

    private async ValueTask MakeRoomAsync(int length, CancellationToken cancellationToken)
    {
        if (_filling is not null && !HasRoomFor(length))
        {
            await DispatchAsync(cancellationToken);
        }

        _filling ??= await batches.RentAsync(cancellationToken);
    }

    private Memory<byte> Take(in BlockRef block)
    {
        var place = _filling!.Free.Slice(_length, block.Length);
        _announced[_count++] = block;
        _length += block.Length;
        return place;
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
