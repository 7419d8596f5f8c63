namespace Gallery.Replication.Scaling;

/// <summary>Settings of the scaling of replicas, section <c>Scaling</c>.</summary>
internal sealed class ScalingOptions
{
    /// <summary>How often the load is looked at.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long fewer replicas must have been enough before there are fewer, when the caller does not say.</summary>
    public TimeSpan DefaultShrinkDelay { get; set; } = TimeSpan.FromMinutes(10);
}
