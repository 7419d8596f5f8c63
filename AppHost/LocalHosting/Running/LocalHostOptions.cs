namespace Gallery.LocalHosting.Running;

/// <summary>Settings of the local layer: section `LocalHosting`.</summary>
internal sealed class LocalHostOptions
{
    /// <summary>Folder for logs and run state; the top-level setting `DataPath`, `.data` beside the AppHost's folder if unset.</summary>
    public string DataPath { get; set; } = "";

    /// <summary>Text to print below the table once everything is healthy.</summary>
    public string Welcome { get; set; } = "";

    /// <summary>Whether the host gives up when a resource fails before everything was healthy once.</summary>
    public bool StopOnFailedStart { get; set; }

    /// <summary>When the start was asked for, in seconds since 1970; when this process began if 0.</summary>
    public double StartedAt { get; set; }

    /// <summary>How long everything together may take to become healthy, if <see cref="StopOnFailedStart"/>.</summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a process may take to end when asked, before it is killed.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>Pause between checks of a resource that isn't healthy yet.</summary>
    public TimeSpan StartingHealthInterval { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Pause between checks of a healthy resource.</summary>
    public TimeSpan HealthInterval { get; set; } = TimeSpan.FromSeconds(5);

    public string LogFolder => Path.Combine(DataPath, "logs");

    public string RunFolder => Path.Combine(DataPath, "run");
}
