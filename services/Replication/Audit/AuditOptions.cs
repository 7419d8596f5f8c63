namespace Gallery.Replication.Audit;

/// <summary>Settings of the audit of replicas, section <c>Audit</c>.</summary>
internal sealed class AuditOptions
{
    /// <summary>How often it is looked whether a node has news of its replicas.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a node's replicas are compared although it told of no news.</summary>
    public TimeSpan FullInterval { get; set; } = TimeSpan.FromHours(1);
}
