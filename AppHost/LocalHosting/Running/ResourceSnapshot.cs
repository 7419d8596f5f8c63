using System.Collections.Immutable;

namespace Gallery.LocalHosting.Running;

/// <summary>States of a resource, by the names that Aspire's dashboard knows.</summary>
internal static class ResourceStates
{
    public const string NotStarted = "NotStarted";
    public const string Waiting = "Waiting";
    public const string Starting = "Starting";
    public const string Running = "Running";
    public const string Stopping = "Stopping";
    public const string Finished = "Finished";
    public const string Exited = "Exited";
    public const string FailedToStart = "FailedToStart";
    public const string ValueMissing = "ValueMissing";
}

/// <summary>Result of a health check.</summary>
internal sealed record HealthReport(string Key, bool? Healthy, string Description, DateTimeOffset? LastRunAt);

/// <summary>A URL of a resource as people see it.</summary>
internal sealed record ResourceUrl(string EndpointName, string Url, string? DisplayText);

/// <summary>An environment variable that a resource was started with.</summary>
internal sealed record EnvironmentEntry(string Name, string Value, bool Secret);

/// <summary>Another resource that this one knows of.</summary>
internal sealed record Relationship(string ResourceName, string Type);

/// <summary>All that is known of a resource at one moment.</summary>
internal sealed record ResourceSnapshot
{
    public required string Name { get; init; }

    /// <summary>Name of the running instance; telemetry carries it as service name and instance id.</summary>
    public required string InstanceName { get; init; }

    /// <summary>`Project`, `Executable`, `Parameter` or `ConnectionString`.</summary>
    public required string Type { get; init; }

    public required string Uid { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public string State { get; init; } = ResourceStates.NotStarted;

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? StoppedAt { get; init; }

    public int? Pid { get; init; }

    /// <summary>When the process began, in the kernel's clock; with the pid it names the process for certain.</summary>
    public long? StartTicks { get; init; }

    public int? ExitCode { get; init; }

    /// <summary>Why it isn't running, if something went wrong.</summary>
    public string? Problem { get; init; }

    public ImmutableArray<string> WaitingFor { get; init; } = [];

    public ImmutableArray<HealthReport> Health { get; init; } = [];

    public ImmutableArray<ResourceUrl> Urls { get; init; } = [];

    public ImmutableArray<EnvironmentEntry> Environment { get; init; } = [];

    public ImmutableArray<Relationship> Relationships { get; init; } = [];

    /// <summary>Project file, program, or the value of a parameter that is no secret.</summary>
    public string Source { get; init; } = "";

    public ImmutableArray<string> Arguments { get; init; } = [];

    public string? WorkingDirectory { get; init; }

    public bool IsProcess => Type is "Project" or "Executable";

    public bool IsHealthy => Health.All(report => report.Healthy == true);

    /// <summary>Running and healthy: those who wait for it may go on.</summary>
    public bool IsReady => State == ResourceStates.Running && IsHealthy;

    /// <summary>Nothing runs and nothing will, unless someone starts it.</summary>
    public bool IsDown =>
        State is ResourceStates.Exited or ResourceStates.Finished or ResourceStates.FailedToStart or ResourceStates.ValueMissing;

    /// <summary>State and health in one word.</summary>
    public string Summary =>
        State != ResourceStates.Running || Health.IsEmpty ? State
        : IsHealthy ? "Healthy"
        : "Unhealthy";
}
