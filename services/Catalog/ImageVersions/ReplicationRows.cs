using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Catalog.ImageVersions;

/// <summary>What a version shows of its replication, and what follows from it (semantics 3.7). Pure.</summary>
internal static class ReplicationRows
{
    /// <summary>The status of a version whose wanted replicas have just changed: regions that are as they were keep their rows.</summary>
    /// <param name="version">The version as it is wanted, with its generation.</param>
    /// <param name="earlier">The version as it was; null for a new one.</param>
    /// <param name="now">The time.</param>
    public static ReplicationStatus Expected(ImageVersion version, ImageVersion? earlier, DateTimeOffset now)
    {
        var status = new ReplicationStatus { AggregatedState = AggregatedReplicationState.InProgress, Generation = version.Generation };
        foreach (var target in version.PublishingProfile.TargetRegions)
        {
            var row = earlier?.ReplicationStatus?.Summary.FirstOrDefault(other => other.Region == target.Name);
            status.Summary.Add(
                row is { State: RegionalReplicationState.Completed } && row.TargetReplicaCount == target.RegionalReplicaCount
                    ? row.Clone()
                    : Waiting(target, row, version.OccupiedSizeBytes, now)
            );
        }

        return status;
    }

    /// <summary>A version after Replication has told of it; null when what was told is not of it as it is now, or is known.</summary>
    public static ImageVersion? Settle(ImageVersion current, ReplicationStatusChanged told)
    {
        if (
            told.VersionUid != current.Uid
            || told.Generation != current.Generation
            || current.ProvisioningState == ProvisioningState.Deleting
        )
        {
            return null;
        }

        var version = current.Clone();
        version.ReplicationStatus = new ReplicationStatus { AggregatedState = told.AggregatedState, Generation = told.Generation };
        version.ReplicationStatus.Summary.AddRange(told.Summary);
        version.ProvisioningState = told.AggregatedState switch
        {
            AggregatedReplicationState.Completed => ProvisioningState.Succeeded,
            AggregatedReplicationState.Failed => ProvisioningState.Failed,

            // What succeeded or failed stays so until the next outcome: a repair or a retry is no change that the owner asked for.
            _ => current.ProvisioningState,
        };
        version.ProvisioningDetails = version.ProvisioningState == ProvisioningState.Failed ? Reasons(told) : "";
        return version.Equals(current) ? null : version;
    }

    private static string Reasons(ReplicationStatusChanged told) =>
        string.Join(
            "; ",
            told.Summary.Where(row => row.State is RegionalReplicationState.Failed or RegionalReplicationState.Cancelled)
                .Select(row => $"{row.Region}: {row.Details}")
        );

    private static RegionalReplicationStatus Waiting(TargetRegion target, RegionalReplicationStatus? row, long size, DateTimeOffset now)
    {
        var ready = Math.Min(row?.ReadyReplicaCount ?? 0, target.RegionalReplicaCount);
        return new RegionalReplicationStatus
        {
            Region = target.Name,
            State = RegionalReplicationState.Replicating,
            TargetReplicaCount = target.RegionalReplicaCount,
            ReadyReplicaCount = ready,
            TotalBytes = size * target.RegionalReplicaCount,
            CopiedBytes = size * ready,
            TransferredBytes = row?.TransferredBytes ?? 0,
            // 100 is for complete regions.
            Progress = Math.Min(99, 100 * ready / target.RegionalReplicaCount),
            UpdateTime = Timestamp.FromDateTimeOffset(now),
        };
    }
}
