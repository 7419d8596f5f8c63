using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Versions;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Audit;

/// <summary>What a node's word on a replica means. Pure: each rule makes a changed copy of the document, or answers null when nothing changes.</summary>
internal static class AuditRules
{
    /// <summary>The node was asked about a replica that counts as ready.</summary>
    /// <param name="document">The version.</param>
    /// <param name="uid">The replica.</param>
    /// <param name="told">What its node told; null when it does not know the replica.</param>
    /// <param name="now">The time.</param>
    public static VersionDocument? Compare(VersionDocument document, string uid, NodeReplica? told, DateTimeOffset now)
    {
        if (!document.Replicas.TryGetValue(uid, out var replica) || replica.State != ReplicaState.Ready)
        {
            return null;
        }

        return told switch
        {
            null => Repair(document, uid, $"{replica.Region} has lost it", copiedBytes: 0, now),
            { State: NodeReplicaState.Ready } => Verified(document, replica, told),
            { State: NodeReplicaState.Damaged } => Repair(document, uid, Problem(replica, told), told.CopiedBytes, now),
            // Somebody else is at it already, or the node never finished it: to pull it again is right in either case.
            _ => Repair(document, uid, $"{replica.Region} does not have it complete", told.CopiedBytes, now),
        };
    }

    private static string Problem(ReplicaRecord replica, NodeReplica told) =>
        $"{replica.Region} has taken it out of service: {(told.Details.Length > 0 ? told.Details : "it is damaged")}".TrimEnd('.');

    /// <summary>It is not served any more, and is made again as a new one is; what is sound of it is not moved.</summary>
    private static VersionDocument Repair(VersionDocument document, string uid, string problem, long copiedBytes, DateTimeOffset now)
    {
        var (after, time) = (document.Clone(), Timestamp.FromDateTimeOffset(now));
        var replica = after.Replicas[uid];
        replica.State = ReplicaState.Queued;
        replica.Problem = problem;
        replica.BlockedBy = "";
        replica.FailureCount = 0;
        replica.CopiedBytes = Math.Min(copiedBytes, after.OccupiedBytes);
        replica.RetryTime = time;
        replica.BudgetStartTime = time;
        if (after.RegionOf(replica.Region) is { } region)
        {
            region.UpdateTime = time;
        }

        return after;
    }

    private static VersionDocument? Verified(VersionDocument document, ReplicaRecord replica, NodeReplica told)
    {
        if (told.LastVerifiedTime is null || replica.LastVerifiedTime?.CompareTo(told.LastVerifiedTime) >= 0)
        {
            return null;
        }

        var after = document.Clone();
        after.Replicas[replica.Uid].LastVerifiedTime = told.LastVerifiedTime;
        return after;
    }
}
