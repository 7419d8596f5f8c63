using System.Runtime.ExceptionServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Transfers;

/// <summary>
/// Gathers blocks from somebody else in batches. What is to be done with a batch goes on beside the filling of the next one. For one caller at
/// a time.
/// </summary>
/// <typeparam name="TBlock">What is known of a block before its bytes come.</typeparam>
/// <param name="batches">Where the batches come from.</param>
internal abstract class BatchReceiver<TBlock>(IBatchLender batches) : IAsyncDisposable
    where TBlock : struct, ISized
{
    /// <summary>Batches that may be dealt with while another is filled.</summary>
    private const int MaxRunning = 2;

    private readonly List<Task> _running = [];
    private readonly TBlock[] _announced = new TBlock[BlockBatch.MaxCount];
    private BlockBatch? _filling;
    private int _count;
    private int _length;

    /// <summary>
    /// Gives the memory in which the next blocks are to be put, back to back, before the next call: so that they can be read there from
    /// wherever they come. They are dealt with later; a failure surfaces in a later call.
    /// </summary>
    /// <param name="blocks">One block or more, each of 1 to 64 KiB.</param>
    /// <param name="cancellationToken">Ends the wait for memory.</param>
    /// <returns>How many of the blocks, at least the first, and their place.</returns>
    /// <exception cref="RegionException">A block received before is refused, or can't be written.</exception>
    public async ValueTask<(int Count, Memory<byte> Place)> ReserveAsync(ReadOnlyMemory<TBlock> blocks, CancellationToken cancellationToken)
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
    /// <exception cref="RegionException">One is refused, or can't be written.</exception>
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
        _running.Add(Task.Run(() => TakeInAsync(batch, blocks, cancellationToken), CancellationToken.None));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_running).ContinueWith(_ => { }, TaskScheduler.Default);
        _filling?.Dispose();
    }

    /// <summary>Checks and writes blocks.</summary>
    /// <param name="batch">Their bytes, back to back behind its end; nothing is added to it yet.</param>
    /// <param name="blocks">The blocks.</param>
    /// <param name="cancellationToken">Ends it.</param>
    protected abstract Task ProcessAsync(BlockBatch batch, TBlock[] blocks, CancellationToken cancellationToken);

    /// <summary>Makes room for a block, if need be in another batch.</summary>
    protected async ValueTask MakeRoomAsync(int length, CancellationToken cancellationToken)
    {
        if (_filling is not null && !HasRoomFor(length))
        {
            await DispatchAsync(cancellationToken);
        }

        _filling ??= await batches.RentAsync(cancellationToken);
    }

    /// <summary>The place of a block for which there is room.</summary>
    protected Memory<byte> Take(in TBlock block)
    {
        var place = _filling!.Free.Slice(_length, block.Length);
        _announced[_count++] = block;
        _length += block.Length;
        return place;
    }

    private bool HasRoomFor(int length) => _count < BlockBatch.MaxCount && _length + length <= BlockBatch.Capacity;

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

    private async Task TakeInAsync(BlockBatch batch, TBlock[] blocks, CancellationToken cancellationToken)
    {
        using (batch)
        {
            await ProcessAsync(batch, blocks, cancellationToken);
        }
    }
}
