using System.Diagnostics.CodeAnalysis;

namespace Gallery.Region.Links;

/// <summary>How fast bytes came over a link.</summary>
/// <param name="BytesPerSecond">Smoothed; 0 when not enough came yet.</param>
/// <param name="Time">When it was measured last; null when it was not.</param>
internal readonly record struct LinkRate(long BytesPerSecond, DateTimeOffset? Time);

/// <summary>
/// Measures by the way how fast bytes come from another region, however many pulls share the link: what counts is the time in which at least
/// one of them waits for it, so a slow disk at this end does not make the link look slow. Where bytes are always there already, the figure is
/// what the link gives at the least.
/// </summary>
internal sealed class LinkMeter(TimeProvider time)
{
    private const long LeastBytes = 4 << 16;
    private const long ManyBytes = 64 << 20;
    private const double Smoothing = 0.3;
    private const double MostBytesPerSecond = 10e9;

    private static readonly TimeSpan LeastWait = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    private readonly Lock _gate = new();
    private int _waiting;
    private long _waitStart;
    private TimeSpan _waited;
    private long _bytes;
    private LinkRate _rate;

    /// <summary>What was measured lately.</summary>
    public LinkRate Rate
    {
        get
        {
            lock (_gate)
            {
                return _rate;
            }
        }
    }

    /// <summary>Waits for something that the link delays.</summary>
    public async ValueTask<T> WaitAsync<T>(ValueTask<T> arrival)
    {
        if (arrival.IsCompleted)
        {
            return await arrival;
        }

        Enter();
        try
        {
            return await arrival;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Waits for this node's share of the link.</summary>
    [SuppressMessage("Reliability", "CA2012", Justification = "Awaited once, on either way.")]
    public async ValueTask WaitAsync(ValueTask share)
    {
        if (share.IsCompletedSuccessfully)
        {
            return;
        }

        Enter();
        try
        {
            await share;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Bytes came, as many as went over the wire.</summary>
    public void Received(long bytes)
    {
        lock (_gate)
        {
            _bytes += bytes;
            Sample();
        }
    }

    private void Enter()
    {
        lock (_gate)
        {
            if (_waiting++ == 0)
            {
                _waitStart = time.GetTimestamp();
            }
        }
    }

    private void Leave()
    {
        lock (_gate)
        {
            if (--_waiting == 0)
            {
                _waited += time.GetElapsedTime(_waitStart);
            }
        }
    }

    private void Sample()
    {
        // Another pull may be waiting at this moment; its wait counts as far as it has got.
        var waited = _waiting == 0 ? _waited : _waited + time.GetElapsedTime(_waitStart);
        if (_bytes < LeastBytes || (waited < LeastWait && _bytes < ManyBytes))
        {
            return;
        }

        var now = time.GetUtcNow();
        var sample = Math.Min(MostBytesPerSecond, _bytes / Math.Max(waited.TotalSeconds, 1e-9));
        var fresh = _rate.Time is { } last && now - last < Memory;
        _rate = new LinkRate((long)(fresh ? _rate.BytesPerSecond + ((sample - _rate.BytesPerSecond) * Smoothing) : sample), now);
        _bytes = 0;
        _waited = TimeSpan.Zero;
        _waitStart = time.GetTimestamp();
    }
}
