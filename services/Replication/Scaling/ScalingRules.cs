using System.Runtime.InteropServices;
using Gallery.Replication.Placement;
using Gallery.Replication.Records;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.WellKnownTypes;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Scaling;

/// <summary>The load of a version in a region.</summary>
/// <param name="LeasedMachines">Machines that hold leases on its replicas.</param>
/// <param name="UnmetMachines">Machines that did not fit lately.</param>
/// <param name="OccupiedReplicas">1 + the highest number of a replica that machines hold leases on; 0 when there is none.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ReplicaDemand(int LeasedMachines, int UnmetMachines, int OccupiedReplicas);

/// <summary>How many replicas a load takes. Pure.</summary>
internal static class ScalingRules
{
    private const int MostReplicas = 100;

    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(24);

    /// <summary>Refuses what can't be set, naming all that is wrong.</summary>
    public static void Check(V1.ReplicaScaling scaling)
    {
        new Violations()
            .AddIf(
                scaling.MinReplicaCount is < 1 or > MostReplicas || scaling.MinReplicaCount > scaling.MaxReplicaCount,
                "scaling.min_replica_count",
                $"Must be from 1 to {MostReplicas}, and not above max_replica_count."
            )
            .AddIf(scaling.MaxReplicaCount is < 1 or > MostReplicas, "scaling.max_replica_count", $"Must be from 1 to {MostReplicas}.")
            .AddIf(!IsDelay(scaling.ShrinkDelay), "scaling.shrink_delay", "Must be from 0 seconds to 24 hours, or not set.")
            .ThrowIfAny();
    }

    /// <summary>The regions of a version where the number of replicas follows the load now.</summary>
    public static HashSet<string> ScaledRegions(VersionDocument document) =>
        document.Version.Phase == VersionPhase.Active ? [.. document.Version.Regions.Where(IsScaled).Select(region => region.Region)] : [];

    /// <summary>Whether the number of replicas follows the load in a region.</summary>
    public static bool IsScaled(RegionRecord region) => region is { WantedCount: > 0, Scaling: not null };

    /// <summary>
    /// How many replicas are wanted by now, and since when fewer would be enough. More at once; fewer only after the delay, and never one that
    /// machines hold leases on.
    /// </summary>
    public static (int Count, Timestamp? SurplusSince) Decide(
        RegionRecord region,
        ReplicaDemand demand,
        int machinesPerReplica,
        DateTimeOffset now
    )
    {
        var scaling = region.Scaling;
        var machines = (long)demand.LeasedMachines + demand.UnmetMachines;
        var needed = Math.Clamp(PlacementRules.ReplicasNeeded(machines, 0, machinesPerReplica), scaling.MinCount, scaling.MaxCount);
        if (needed >= region.WantedCount)
        {
            return (needed, null);
        }

        var since = scaling.SurplusSinceTime ?? Timestamp.FromDateTimeOffset(now);
        if (now - since.ToDateTimeOffset() < scaling.ShrinkDelay.ToTimeSpan())
        {
            return (region.WantedCount, since);
        }

        var count = Math.Min(region.WantedCount, Math.Max(needed, demand.OccupiedReplicas));
        return (count, count == needed ? null : since);
    }

    // Compared by seconds: a duration from outside may be longer than a TimeSpan can be, or malformed.
    private static bool IsDelay(Duration? duration) =>
        duration is null
        || (
            duration.Nanos is >= 0 and < 1_000_000_000
            && duration.Seconds >= 0
            && duration.Seconds + (duration.Nanos > 0 ? 1 : 0) <= (long)LongestDelay.TotalSeconds
        );
}
