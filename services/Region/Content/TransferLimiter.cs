using System.Threading.RateLimiting;
using Gallery.Region.Blocks;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Content;

/// <summary>Bounds the bytes a second that all pulls from other regions take together. Without a limit it costs nothing.</summary>
internal sealed class TransferLimiter : IDisposable
{
    private const int RefillsPerSecond = 20;
    private readonly TokenBucketRateLimiter? _limiter;

    /// <summary>Takes the limit from the settings.</summary>
    public TransferLimiter(IOptions<RegionOptions> options)
    {
        var perSecond = options.Value.MaxTransferBytesPerSecond;
        if (perSecond > 0)
        {
            _limiter = new TokenBucketRateLimiter(
                new TokenBucketRateLimiterOptions
                {
                    TokenLimit = (int)Math.Max(BlockLayout.BlockSize, perSecond / RefillsPerSecond),
                    TokensPerPeriod = (int)Math.Max(1, perSecond / RefillsPerSecond),
                    ReplenishmentPeriod = TimeSpan.FromSeconds(1.0 / RefillsPerSecond),
                    QueueLimit = int.MaxValue,
                    QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
                }
            );
        }
    }

    /// <summary>Waits until so many bytes may have come.</summary>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        for (var left = _limiter is null ? 0 : bytes; left > 0; left -= BlockLayout.BlockSize)
        {
            using var lease = await _limiter!.AcquireAsync(Math.Min(left, BlockLayout.BlockSize), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _limiter?.Dispose();
}
