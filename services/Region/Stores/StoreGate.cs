namespace Gallery.Region.Stores;

/// <summary>
/// Keeps collections apart from decisions that rest on what a store holds. "All blocks are here, so write the record" and "these blocks are
/// here, so they need not be sent" pass together; a collection passes alone. Both sides hold it for short.
/// </summary>
internal sealed class StoreGate : IDisposable
{
    private const int Everybody = 1 << 20;
    private readonly SemaphoreSlim _permits = new(Everybody, Everybody);
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Waits until no collection runs, and keeps the next one out until disposed of.</summary>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        // Whoever wants in lines up behind a waiting collection, so that it can't be kept out for ever.
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await _permits.WaitAsync(cancellationToken);
        }
        finally
        {
            _turn.Release();
        }

        return new Pass(_permits, 1);
    }

    /// <summary>Waits until nobody is inside, and keeps everybody out until disposed of.</summary>
    public async ValueTask<IDisposable> EnterAloneAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            while (_permits.CurrentCount < Everybody)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(5), cancellationToken);
            }

            return new Pass(_turn, 1);
        }
        catch
        {
            _turn.Release();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _permits.Dispose();
        _turn.Dispose();
    }

    private sealed class Pass(SemaphoreSlim semaphore, int count) : IDisposable
    {
        private int _left = count;

        public void Dispose()
        {
            var release = Interlocked.Exchange(ref _left, 0);
            if (release > 0)
            {
                semaphore.Release(release);
            }
        }
    }
}
