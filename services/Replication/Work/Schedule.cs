using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Versions;

namespace Gallery.Replication.Work;

/// <summary>Kinds of work, each with its own queue a region, so that freeing bytes never waits behind a long copy.</summary>
internal enum Lane
{
    /// <summary>Making replicas complete.</summary>
    Copy,

    /// <summary>Freeing the bytes of replicas and uploads that are out of service.</summary>
    Free,
}

/// <summary>When work on a replica is due.</summary>
/// <param name="Lane">In which queue.</param>
/// <param name="Region">Of which region.</param>
/// <param name="Time">From when on, in milliseconds since 1970.</param>
internal readonly record struct Due(Lane Lane, string Region, long Time);

/// <summary>Says which replicas have work, and from when on. Pure.</summary>
internal static class Schedule
{
    /// <summary>When work on the replica is due; null when there is none, or when it can't begin before another replica of its region is complete.</summary>
    public static Due? Of(VersionDocument document, ReplicaRecord replica) =>
        replica.State switch
        {
            ReplicaState.Queued when IsRunnable(document, replica) => new Due(Lane.Copy, replica.Region, Wait(replica)),
            // Held by a worker: due for another one when its lease ends.
            ReplicaState.Copying => new Due(Lane.Copy, replica.Region, document.ClaimOf(replica.Uid).LeaseUntil),
            ReplicaState.Deleting => new Due(Lane.Free, replica.Region, Math.Max(Wait(replica), document.ClaimOf(replica.Uid).LeaseUntil)),
            _ => null,
        };

    /// <summary>
    /// Whether work can begin: bytes cross the border to a region only once, so the first replica comes from elsewhere and the others wait
    /// for it.
    /// </summary>
    public static bool IsRunnable(VersionDocument document, ReplicaRecord replica)
    {
        var first = replica.Ordinal;
        foreach (var sibling in document.Replicas.Values)
        {
            if (sibling.Region != replica.Region || sibling.State is ReplicaState.Deleting or ReplicaState.Failed)
            {
                continue;
            }

            if (sibling.State == ReplicaState.Ready)
            {
                return true;
            }

            first = Math.Min(first, sibling.Ordinal);
        }

        return first == replica.Ordinal;
    }

    /// <summary>The region whose return the replica waits for; empty when it does not wait for one.</summary>
    public static string BlockedBy(ReplicaRecord replica) =>
        replica.State is ReplicaState.Queued or ReplicaState.Deleting ? replica.BlockedBy : "";

    private static long Wait(ReplicaRecord replica) => replica.RetryTime?.ToDateTimeOffset().ToUnixTimeMilliseconds() ?? 0;
}
