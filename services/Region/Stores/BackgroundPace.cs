using System.Threading.RateLimiting;

namespace Gallery.Region.Stores;

/// <summary>Bounds the bytes a second that work in the background reads or writes, so that it never crowds out those who wait for bytes.</summary>
internal sealed class BackgroundPace : IDisposable
{
    private const int RefillsPerSecond = 10;
    private readonly TokenBucketRateLimiter? _limiter;
    private readonly int _most;

    /// <summary>Sets the bound.</summary>
    /// <param name="bytesPerSecond">Bytes a second; 0 for no bound.</param>
    public BackgroundPace(long bytesPerSecond)
    {
        if (bytesPerSecond <= 0)
        {
            return;
        }

        _most = (int)Math.Clamp(bytesPerSecond / RefillsPerSecond, 1, int.MaxValue);
        _limiter = new TokenBucketRateLimiter(
            new TokenBucketRateLimiterOptions
            {
                TokenLimit = _most,
                TokensPerPeriod = _most,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1.0 / RefillsPerSecond),
                QueueLimit = int.MaxValue,
                QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
            }
        );
    }

    /// <summary>Waits until so many bytes may be read or written.</summary>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        for (var left = bytes; _limiter is not null && left > 0; left -= _most)
        {
            using var lease = await _limiter.AcquireAsync(Math.Min(left, _most), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _limiter?.Dispose();
}
