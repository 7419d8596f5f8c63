namespace Gallery.Region.Node;

/// <summary>When the process started.</summary>
internal sealed class NodeClock(TimeProvider time)
{
    /// <summary>When the process started.</summary>
    public DateTimeOffset StartTime { get; } = time.GetUtcNow();
}
