namespace Gallery.Replication.Versions;

/// <summary>Settings of reconciling, section <c>Reconcile</c>.</summary>
internal sealed class ReconcileOptions
{
    /// <summary>How often everything that is wanted is compared with everything that is there. A lost event costs at most that long.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromMinutes(1);
}
