using Gallery.Contracts.Common.V1;
using ReplicationStatus = Gallery.Contracts.Replication.V1.ReplicationStatus;

namespace Gallery.TestKit.Suite.Faults;

/// <summary>What the rows of a version may never say, whatever happens to the processes. Pure.</summary>
public static class StatusTruth
{
    /// <summary>Names every contradiction in a status, and between it and the one seen before.</summary>
    /// <param name="before">The status seen before; null for the first.</param>
    /// <param name="after">The status.</param>
    public static IEnumerable<string> Contradictions(ReplicationStatus? before, ReplicationStatus after)
    {
        // Regions that are being dropped come last and have no target.
        var targets = after.Summary.Where(row => row.TargetReplicaCount > 0).ToList();
        foreach (var row in targets)
        {
            foreach (var wrong in InRow(row))
            {
                yield return $"{wrong}: {row}";
            }

            var earlier =
                before?.Generation == after.Generation ? before.Summary.FirstOrDefault(other => other.Region == row.Region) : null;
            if (earlier?.TargetReplicaCount != row.TargetReplicaCount)
            {
                continue;
            }

            foreach (var wrong in Between(earlier, row))
            {
                yield return $"{wrong}: {earlier} then {row}";
            }
        }

        var all = targets.TrueForAll(row => row.State == RegionalReplicationState.Completed);
        var failed = targets.Exists(row => row.State == RegionalReplicationState.Failed);
        if (
            (after.AggregatedState == AggregatedReplicationState.Completed) != (all && targets.Count > 0)
            || (after.AggregatedState == AggregatedReplicationState.Failed) != failed
        )
        {
            yield return $"The whole contradicts its rows: {after}";
        }
    }

    private static IEnumerable<string> InRow(RegionalReplicationStatus row)
    {
        var complete = row.State == RegionalReplicationState.Completed;
        if (complete != (row.Progress == 100))
        {
            yield return "100 % stands for complete and for nothing else";
        }

        if (complete && (row.ReadyReplicaCount < row.TargetReplicaCount || row.CopiedBytes != row.TotalBytes))
        {
            yield return "Complete, and something is lacking";
        }

        if (complete && row.Details.Length > 0)
        {
            yield return "Complete, and something is wrong";
        }

        if (!complete && row.ReadyReplicaCount >= row.TargetReplicaCount)
        {
            yield return "All replicas are ready, and it is not complete";
        }

        if ((row.State == RegionalReplicationState.Failed || row.RetryTime is not null) && row.Details.Length == 0)
        {
            yield return "It does not say why";
        }

        if (row.CopiedBytes > row.TotalBytes || row.CopiedBytes < 0 || row.TransferredBytes < 0)
        {
            yield return "Bytes that can't be";
        }
    }

    private static IEnumerable<string> Between(RegionalReplicationStatus before, RegionalReplicationStatus after)
    {
        if (after.TransferredBytes < before.TransferredBytes)
        {
            yield return "Bytes that crossed the border are forgotten";
        }

        // A replica may be lost, and then the row has to say so.
        var lost =
            after.ReadyReplicaCount < before.ReadyReplicaCount
            || after.CopiedBytes < before.CopiedBytes
            || after.Progress < before.Progress;
        if (lost && after.Details.Length == 0)
        {
            yield return "It goes back and does not say why";
        }
    }
}
