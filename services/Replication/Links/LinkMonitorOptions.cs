namespace Gallery.Replication.Links;

/// <summary>How the ways between regions are measured, section <c>LinkMonitor</c>.</summary>
internal sealed class LinkMonitorOptions
{
    /// <summary>How often a region's node measures the others.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a node may take to measure all others.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A round trip that was measured longer ago says nothing any more.</summary>
    public TimeSpan RoundTripLifetime { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A throughput that was measured longer ago says nothing any more; it is measured by copies only, which may be rare.</summary>
    public TimeSpan ThroughputLifetime { get; set; } = TimeSpan.FromHours(1);
}
