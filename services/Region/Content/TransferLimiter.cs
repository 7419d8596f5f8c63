using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using Gallery.Region.Blocks;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Content;

/// <summary>
/// Bounds the bytes a second that pulls take: all from other regions together, by this node's settings, and those from one region together, as
/// Replication says. Without limits it costs nothing.
/// </summary>
internal sealed class TransferLimiter : IDisposable
{
    private readonly ByteBucket? _all;
    private readonly ConcurrentDictionary<string, LinkLimiter> _links = new(StringComparer.Ordinal);

    /// <summary>Takes the limit of all from the settings.</summary>
    public TransferLimiter(IOptions<RegionOptions> options)
    {
        var perSecond = options.Value.MaxTransferBytesPerSecond;
        _all = perSecond > 0 ? new ByteBucket(perSecond) : null;
    }

    /// <summary>The way from another region, with a new limit for all pulls that come by it.</summary>
    /// <param name="region">The other region.</param>
    /// <param name="perSecond">Bytes a second; 0 for no limit.</param>
    public LinkLimiter LinkFrom(string region, long perSecond)
    {
        var link = _links.GetOrAdd(region, static (_, all) => new LinkLimiter(all), _all);
        link.Limit(perSecond);
        return link;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var link in _links.Values)
        {
            link.Dispose();
        }

        _all?.Dispose();
    }
}

/// <summary>The way from one other region.</summary>
/// <param name="all">The limit of all ways together; null for none.</param>
internal sealed class LinkLimiter(ByteBucket? all) : IDisposable
{
    private readonly Lock _gate = new();
    private volatile ByteBucket? _own;

    /// <summary>Sets the limit in bytes a second; 0 for none. It holds for pulls that are running, too.</summary>
    public void Limit(long perSecond)
    {
        lock (_gate)
        {
            if ((_own?.PerSecond ?? 0) != perSecond)
            {
                var before = _own;
                _own = perSecond > 0 ? new ByteBucket(perSecond) : null;
                before?.Dispose(); // Who waits there goes on at once, and by the new limit with the next block.
            }
        }
    }

    /// <summary>Waits until so many bytes may have come.</summary>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        if (_own is { } own)
        {
            await own.WaitAsync(bytes, cancellationToken);
        }

        if (all is not null)
        {
            await all.WaitAsync(bytes, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _own?.Dispose();
}

/// <summary>Lets so many bytes a second pass, in the order in which they ask.</summary>
/// <param name="perSecond">Bytes a second, from 1.</param>
internal sealed class ByteBucket(long perSecond) : IDisposable
{
    private const int RefillsPerSecond = 20;

    private readonly TokenBucketRateLimiter _limiter = new(
        new TokenBucketRateLimiterOptions
        {
            TokenLimit = (int)Math.Clamp(perSecond / RefillsPerSecond, BlockLayout.BlockSize, int.MaxValue),
            TokensPerPeriod = (int)Math.Clamp(perSecond / RefillsPerSecond, 1, int.MaxValue),
            ReplenishmentPeriod = TimeSpan.FromSeconds(1.0 / RefillsPerSecond),
            QueueLimit = int.MaxValue,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        }
    );

    /// <summary>Bytes a second.</summary>
    public long PerSecond => perSecond;

    /// <summary>Waits until so many bytes may pass.</summary>
    public async ValueTask WaitAsync(int bytes, CancellationToken cancellationToken)
    {
        try
        {
            for (var left = bytes; left > 0; left -= BlockLayout.BlockSize)
            {
                using var lease = await _limiter.AcquireAsync(Math.Min(left, BlockLayout.BlockSize), cancellationToken);
            }
        }
        catch (ObjectDisposedException)
        {
            // The limit has just been changed.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _limiter.Dispose();
}
