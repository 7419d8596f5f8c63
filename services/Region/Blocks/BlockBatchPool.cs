namespace Gallery.Region.Blocks;

/// <summary>
/// The batches of a process. Their number is the bound on the memory that all transfers together take: whoever finds none waits.
/// A holder never waits for a second batch while it keeps an unfinished one, so waiting always ends.
/// </summary>
/// <param name="limit">Batches that may be out at once.</param>
/// <param name="kept">Idle batches that keep their memory until <see cref="Trim"/>.</param>
internal sealed class BlockBatchPool(int limit = BlockBatchPool.DefaultLimit, int kept = BlockBatchPool.DefaultLimit)
    : IBatchLender,
        IDisposable
{
    /// <summary>Batches of a node that may be out at once.</summary>
    public const int DefaultLimit = 12;

    private readonly SemaphoreSlim _permits = new(limit, limit);
    private readonly Stack<BlockBatch> _idle = new();
    private readonly Lock _gate = new();
    private long _rentals;

    /// <summary>Batches that were given out so far: a measure of how busy the process is.</summary>
    public long Rentals => Interlocked.Read(ref _rentals);

    /// <summary>Batches that are out now.</summary>
    public int Rented => limit - _permits.CurrentCount;

    /// <inheritdoc/>
    public async ValueTask<BlockBatch> RentAsync(CancellationToken cancellationToken)
    {
        await _permits.WaitAsync(cancellationToken);
        Interlocked.Increment(ref _rentals);
        BlockBatch? batch;
        lock (_gate)
        {
            _idle.TryPop(out batch);
        }

        batch ??= new BlockBatch(this);
        batch.MarkRented();
        return batch;
    }

    /// <summary>Gives the memory of idle batches back.</summary>
    public void Trim()
    {
        lock (_gate)
        {
            while (_idle.TryPop(out var batch))
            {
                batch.Release();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Trim();
        _permits.Dispose();
    }

    internal void Return(BlockBatch batch)
    {
        lock (_gate)
        {
            if (_idle.Count < kept)
            {
                _idle.Push(batch);
                batch = null!;
            }
        }

        batch?.Release();
        _permits.Release();
    }
}
