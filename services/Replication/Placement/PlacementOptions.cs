using System.ComponentModel.DataAnnotations;

namespace Gallery.Replication.Placement;

/// <summary>Settings of placement, section <c>Placement</c>.</summary>
internal sealed class PlacementOptions
{
    /// <summary>Machines that one replica serves at the same time (semantics 10).</summary>
    [Range(1, 100_000)]
    public int MachinesPerReplica { get; set; } = 20;

    /// <summary>How long a lease lasts when the caller does not say.</summary>
    public TimeSpan DefaultLease { get; set; } = TimeSpan.FromHours(1);

    /// <summary>For how long a lease that has ended is remembered, so that its holder is told what became of it.</summary>
    public TimeSpan LeaseMemory { get; set; } = TimeSpan.FromHours(24);

    /// <summary>For how long machines that did not fit count as load for those who scale replicas. Longer than their callers wait.</summary>
    public TimeSpan UnmetMemory { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How often leases that have expired are looked for.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(5);
}
