using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.WellKnownTypes;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Placement;

/// <summary>What may be asked of placement, and how many replicas a roll-out needs. Pure.</summary>
internal static class PlacementRules
{
    /// <summary>The most machines of one placement.</summary>
    public const int MostMachines = 1_000;

    private const int MostAdvisedMachines = 1_000_000;
    private const int MostScaleSets = 10_000;
    private const int MostOrdinal = 99;

    private static readonly TimeSpan ShortestLease = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestLease = TimeSpan.FromHours(24);

    /// <summary>Refuses what can't be placed, naming all that is wrong.</summary>
    public static void Check(V1.PlaceDeploymentRequest request)
    {
        new Violations()
            .AddIf(request.MachineCount is < 1 or > MostMachines, "machine_count", $"Must be from 1 to {MostMachines}.")
            .AddIf(
                request.HasReplicaOrdinal && request.ReplicaOrdinal is < 0 or > MostOrdinal,
                "replica_ordinal",
                $"Must be from 0 to {MostOrdinal}, or not set."
            )
            .AddIf(!IsLease(request.LeaseDuration), "lease_duration", LeaseDescription)
            .ThrowIfAny();
    }

    /// <summary>Refuses what can't be advised on, naming all that is wrong.</summary>
    public static void Check(V1.AdvisePlacementRequest request)
    {
        new Violations()
            .AddIf(request.MachineCount is < 0 or > MostAdvisedMachines, "machine_count", $"Must be from 0 to {MostAdvisedMachines}.")
            .AddIf(request.ScaleSetCount is < 0 or > MostScaleSets, "scale_set_count", $"Must be from 0 to {MostScaleSets}.")
            .ThrowIfAny();
    }

    /// <summary>How long a lease is to last; refuses what is too short or too long.</summary>
    public static TimeSpan LeaseOf(Duration? duration, TimeSpan otherwise) =>
        IsLease(duration) ? duration?.ToTimeSpan() ?? otherwise : throw GalleryError.InvalidParameter("lease_duration", LeaseDescription);

    /// <summary>Replicas that would do: one for as many machines as it serves, one for each scale set, and one at least (semantics 3.6).</summary>
    public static int ReplicasNeeded(long machines, int scaleSets, int machinesPerReplica) =>
        (int)Math.Max(1, Math.Max(scaleSets, (machines + machinesPerReplica - 1) / machinesPerReplica));

    private static string LeaseDescription => "Must be from 1 minute to 24 hours, or not set.";

    // Compared by seconds: a duration from outside may be longer than a TimeSpan can be, or malformed.
    private static bool IsLease(Duration? duration) =>
        duration is null
        || (
            duration.Nanos is >= 0 and < 1_000_000_000
            && duration.Seconds >= (long)ShortestLease.TotalSeconds
            && duration.Seconds + (duration.Nanos > 0 ? 1 : 0) <= (long)LongestLease.TotalSeconds
        );
}
