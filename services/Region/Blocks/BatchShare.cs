namespace Gallery.Region.Blocks;

/// <summary>
/// A share of a pool's batches: those who fill theirs at the pace of something slow get no more of them, so that the others are left to whoever
/// is fast. Who has a permit of the share and waits for the pool holds no batch meanwhile, so waiting always ends.
/// </summary>
/// <param name="all">What it is a share of: the pool, or a larger share.</param>
/// <param name="limit">Batches of it that may be out at once.</param>
internal sealed class BatchShare(IBatchLender all, int limit) : IBatchLender, IDisposable
{
    private readonly SemaphoreSlim _permits = new(limit, limit);

    /// <summary>Batches of the share that are out now, or waited for.</summary>
    public int Rented => limit - _permits.CurrentCount;

    /// <inheritdoc/>
    public async ValueTask<BlockBatch> RentAsync(CancellationToken cancellationToken)
    {
        await _permits.WaitAsync(cancellationToken);
        try
        {
            var batch = await all.RentAsync(cancellationToken);
            batch.CountIn(this);
            return batch;
        }
        catch
        {
            _permits.Release();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _permits.Dispose();

    internal void Release()
    {
        _permits.Release();
        (all as BatchShare)?.Release();
    }
}
