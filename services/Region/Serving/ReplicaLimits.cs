using System.Threading.RateLimiting;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Serving;

/// <summary>
/// What each replica gives at most: readers at once, and bytes a second for all of them together. Each replica has its own, so more replicas
/// give more. Without limits it costs nothing.
/// </summary>
internal sealed class ReplicaLimits : IDisposable
{
    private const int BurstsPerSecond = 4;
    private const int RefillsPerSecond = 20;

    private readonly int _maxReaders;
    private readonly int _burst;
    private readonly PartitionedRateLimiter<string>? _readers;
    private readonly PartitionedRateLimiter<string>? _bytes;
    private int _count;

    /// <summary>Takes the limits from the settings.</summary>
    public ReplicaLimits(IOptions<RegionOptions> options)
    {
        _maxReaders = options.Value.MaxReplicaReaders;
        if (_maxReaders > 0)
        {
            _readers = PartitionedRateLimiter.Create<string, string>(replica =>
                RateLimitPartition.GetConcurrencyLimiter(
                    replica,
                    _ => new ConcurrencyLimiterOptions { PermitLimit = _maxReaders, QueueLimit = 0 }
                )
            );
        }

        var perSecond = options.Value.MaxReplicaBytesPerSecond;
        if (perSecond > 0)
        {
            _burst = (int)Math.Max(BlockLayout.BlockSize, perSecond / BurstsPerSecond);
            var refill = (int)Math.Max(BlockLayout.BlockSize / RefillsPerSecond, perSecond / RefillsPerSecond);
            _bytes = PartitionedRateLimiter.Create<string, string>(replica =>
                RateLimitPartition.GetTokenBucketLimiter(
                    replica,
                    _ => new TokenBucketRateLimiterOptions
                    {
                        TokenLimit = _burst,
                        TokensPerPeriod = refill,
                        ReplenishmentPeriod = TimeSpan.FromSeconds(1.0 / RefillsPerSecond),
                        QueueLimit = int.MaxValue,
                        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
                    }
                )
            );
        }
    }

    /// <summary>Reads that go on, of all replicas together.</summary>
    public int ReaderCount => Volatile.Read(ref _count);

    /// <summary>Begins a read of a replica; it ends when the result is disposed of.</summary>
    /// <exception cref="RegionException">ReplicaBusy: it has as many readers as it may have.</exception>
    public IDisposable Enter(string replica)
    {
        var permit = _readers?.AttemptAcquire(replica);
        if (permit is { IsAcquired: false })
        {
            permit.Dispose();
            throw new RegionException(
                ErrorReason.ReplicaBusy,
                $"The replica {replica} has {_maxReaders} readers, which is as many as it may have at once. Read another replica, or try again."
            );
        }

        Interlocked.Increment(ref _count);
        return new Reader(this, permit);
    }

    /// <summary>Waits until a reader of a replica may have so many bytes more.</summary>
    public async ValueTask WaitAsync(string replica, long bytes, CancellationToken cancellationToken)
    {
        if (_bytes is null)
        {
            return;
        }

        for (var left = bytes; left > 0; left -= _burst)
        {
            using var permit = await _bytes.AcquireAsync(replica, (int)Math.Min(left, _burst), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _readers?.Dispose();
        _bytes?.Dispose();
    }

    private sealed class Reader(ReplicaLimits limits, RateLimitLease? permit) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                Interlocked.Decrement(ref limits._count);
                permit?.Dispose();
            }
        }
    }
}
