namespace Gallery.Region.Content;

/// <summary>How fast bytes came from one node lately, a request's worth at a time.</summary>
internal sealed class LinkSpeed
{
    /// <summary>
    /// Bytes a second of one request below which compressing pays: a core compresses several times as many, and two requests are under way at once.
    /// </summary>
    private const double SlowBytesPerSecond = 20e6;
    private const int RequestsAtOnce = 2;

    /// <summary>Fewer bytes tell nothing of a link: they are gone before it is full.</summary>
    private const long LeastBytes = 4 << 20;

    private const double NewestWeight = 0.3;

    private readonly Lock _gate = new();
    private double _bytesPerSecond = double.PositiveInfinity;
    private bool _isMeasured;

    /// <summary>True when requests lately were so slow that compressing pays, or are expected to be and none has shown otherwise.</summary>
    public bool IsSlow
    {
        get
        {
            lock (_gate)
            {
                return _bytesPerSecond < SlowBytesPerSecond;
            }
        }
    }

    /// <summary>Says what the link is known to give. It counts until a request was measured.</summary>
    /// <param name="linkBytesPerSecond">Bytes a second of all requests together; 0 when nothing is known.</param>
    public void Expect(long linkBytesPerSecond)
    {
        lock (_gate)
        {
            if (!_isMeasured)
            {
                _bytesPerSecond = linkBytesPerSecond > 0 ? (double)linkBytesPerSecond / RequestsAtOnce : double.PositiveInfinity;
            }
        }
    }

    /// <summary>Notes a request.</summary>
    /// <param name="wireBytes">Bytes that came over the wire.</param>
    /// <param name="time">How long they were waited for: what the disk at this end takes is no matter of the link.</param>
    public void Add(long wireBytes, TimeSpan time)
    {
        if (wireBytes < LeastBytes)
        {
            return;
        }

        var measured = wireBytes / Math.Max(time.TotalSeconds, 1e-6);
        lock (_gate)
        {
            _bytesPerSecond = _isMeasured ? _bytesPerSecond + (NewestWeight * (measured - _bytesPerSecond)) : measured;
            _isMeasured = true;
        }
    }
}
