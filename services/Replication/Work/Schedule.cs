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

/// <summary>
/// How urgent a copy is. The first replica makes a region serve, so it comes before further ones; small contents come before large ones,
/// which they hardly delay.
/// </summary>
internal enum Rank
{
    /// <summary>The first replica of a region, of a small content. Also the freeing of bytes, which has no ranks.</summary>
    FirstSmall,

    /// <summary>The first replica of a region, of a large content.</summary>
    FirstLarge,

    /// <summary>A further replica of a region, of a small content.</summary>
    FurtherSmall,

    /// <summary>A further replica of a region, of a large content.</summary>
    FurtherLarge,
}

/// <summary>When work on a replica is due.</summary>
/// <param name="Lane">In which lane.</param>
/// <param name="Region">Of which region.</param>
/// <param name="Rank">How urgent it is.</param>
/// <param name="Time">From when on, in milliseconds since 1970.</param>
internal readonly record struct Due(Lane Lane, string Region, Rank Rank, long Time)
{
    /// <summary>Whether it waits in the same queue, whatever the time.</summary>
    public bool IsBeside(Due other) => Lane == other.Lane && Region == other.Region && Rank == other.Rank;
}

/// <summary>Says which replicas have work, and from when on. Pure.</summary>
internal static class Schedule
{
    /// <summary>
    /// Contents up to so many bytes are small. Not a setting: which queue a replica waits in must follow from its document alone, for as long
    /// as it waits.
    /// </summary>
    public const long SmallBytes = 64L << 20;

    /// <summary>Whether copies of the rank are of small contents.</summary>
    public static bool IsSmall(Rank rank) => rank is Rank.FirstSmall or Rank.FurtherSmall;

    /// <summary>When work on the replica is due; null when there is none, or when it can't begin before another replica of its region is complete.</summary>
    public static Due? Of(VersionDocument document, ReplicaRecord replica) =>
        replica.State switch
        {
            ReplicaState.Queued when IsRunnable(document, replica) => new Due(
                Lane.Copy,
                replica.Region,
                RankOf(document, replica),
                Wait(replica)
            ),
            // Held by a worker: due for another one when its lease ends, and then before what was not begun.
            ReplicaState.Copying => new Due(
                Lane.Copy,
                replica.Region,
                IsSmall(document) ? Rank.FirstSmall : Rank.FirstLarge,
                document.ClaimOf(replica.Uid).LeaseUntil
            ),
            // Its node may still be at work.
            ReplicaState.Cancelled when replica.StopPending => Free(document, replica),
            ReplicaState.Deleting => Free(document, replica),
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
            if (sibling.Region != replica.Region || sibling.State is ReplicaState.Deleting or ReplicaState.Failed or ReplicaState.Cancelled)
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
        replica.State is ReplicaState.Queued or ReplicaState.Deleting || replica is { State: ReplicaState.Cancelled, StopPending: true }
            ? replica.BlockedBy
            : "";

    private static Due Free(VersionDocument document, ReplicaRecord replica) =>
        new(Lane.Free, replica.Region, Rank.FirstSmall, Math.Max(Wait(replica), document.ClaimOf(replica.Uid).LeaseUntil));

    private static Rank RankOf(VersionDocument document, ReplicaRecord replica)
    {
        foreach (var sibling in document.Replicas.Values)
        {
            if (sibling.Region == replica.Region && sibling.State == ReplicaState.Ready)
            {
                return IsSmall(document) ? Rank.FurtherSmall : Rank.FurtherLarge;
            }
        }

        return IsSmall(document) ? Rank.FirstSmall : Rank.FirstLarge;
    }

    private static bool IsSmall(VersionDocument document) => document.OccupiedBytes <= SmallBytes;

    private static long Wait(ReplicaRecord replica) => replica.RetryTime?.ToDateTimeOffset().ToUnixTimeMilliseconds() ?? 0;
}
