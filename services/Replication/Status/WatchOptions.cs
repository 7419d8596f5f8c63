namespace Gallery.Replication.Status;

/// <summary>Settings of watching, section <c>Watch</c>.</summary>
internal sealed class WatchOptions
{
    /// <summary>The least time between two messages of a stream.</summary>
    public TimeSpan MinInterval { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How often a version is looked at when nothing wakes its watchers.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often it is asked again whether the watcher may still watch.</summary>
    public TimeSpan AccessCheckInterval { get; set; } = TimeSpan.FromSeconds(10);
}
