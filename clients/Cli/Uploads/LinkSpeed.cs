namespace Gallery.Cli.Uploads;

/// <summary>How fast bytes went over the wire lately, one request's worth at a time.</summary>
internal sealed class LinkSpeed
{
    /// <summary>Bytes a second of one request below which compressing pays: about what a core compresses, less what the bytes shrink to.</summary>
    private const double SlowBytesPerSecond = 20e6;

    /// <summary>Share of the newest measurement in the average.</summary>
    private const double Weight = 0.3;

    private readonly Lock gate = new();
    private double bytesPerSecond = double.PositiveInfinity;

    /// <summary>True when requests lately were so slow that compressing pays.</summary>
    public bool IsSlow
    {
        get
        {
            lock (gate)
            {
                return bytesPerSecond < SlowBytesPerSecond;
            }
        }
    }

    /// <summary>Notes a request.</summary>
    public void Add(long bytes, TimeSpan time)
    {
        var measured = bytes / Math.Max(time.TotalSeconds, 1e-6);
        lock (gate)
        {
            bytesPerSecond = double.IsPositiveInfinity(bytesPerSecond) ? measured : bytesPerSecond + (Weight * (measured - bytesPerSecond));
        }
    }
}
