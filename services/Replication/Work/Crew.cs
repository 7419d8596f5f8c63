namespace Gallery.Replication.Work;

/// <summary>The workers of a lane of a region in this process: how many there are, and how many may be busy with large contents.</summary>
/// <param name="most">Workers.</param>
/// <param name="mostLarge">How many of them may copy large contents.</param>
/// <param name="total">Bounds the workers of all regions together but for one of each; null for no bound.</param>
internal sealed class Crew(int most, int mostLarge, SemaphoreSlim? total) : IDisposable
{
    private readonly SemaphoreSlim? _total = total;
    private readonly SemaphoreSlim _free = new(most, most);
    private int _large;
    private int _ownTurn;

    /// <summary>Whether only small contents may be taken now.</summary>
    public bool OnlySmall => Volatile.Read(ref _large) >= mostLarge;

    /// <summary>Waits until a worker is free.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _free.WaitAsync(cancellationToken);

    /// <summary>Gives back a worker that found nothing to do.</summary>
    public void Release() => _free.Release();

    /// <summary>A free worker takes work; it is free again when the result is disposed of.</summary>
    public Worker Begin(Candidate candidate)
    {
        var large = !Schedule.IsSmall(candidate.Rank);
        if (large)
        {
            Interlocked.Increment(ref _large);
        }

        return new Worker(this, large);
    }

    /// <summary>Waits until every worker is free, and keeps them so.</summary>
    public async Task WaitForAllAsync()
    {
        for (var worker = 0; worker < most; worker++)
        {
            await _free.WaitAsync(CancellationToken.None);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _free.Dispose();

    /// <summary>A worker that has work.</summary>
    internal sealed class Worker(Crew crew, bool large) : IDisposable
    {
        private bool _own;
        private bool _shared;

        /// <summary>Waits until the bound on all regions together lets it begin.</summary>
        public async Task WaitForTurnAsync(CancellationToken cancellationToken)
        {
            if (crew._total is null)
            {
                return;
            }

            _own = Interlocked.CompareExchange(ref crew._ownTurn, 1, 0) == 0;
            if (!_own)
            {
                await crew._total.WaitAsync(cancellationToken);
                _shared = true;
            }
        }

        /// <inheritdoc />
        public void Dispose()
        {
            if (_own)
            {
                Volatile.Write(ref crew._ownTurn, 0);
            }

            if (_shared)
            {
                crew._total!.Release();
            }

            if (large)
            {
                Interlocked.Decrement(ref crew._large);
            }

            crew._free.Release();
        }
    }
}
