using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Versions;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Status;

/// <summary>Shows a replica as the API does. Pure.</summary>
internal static class ReplicaPresenter
{
    /// <summary>Shows a replica.</summary>
    /// <param name="document">Its version.</param>
    /// <param name="replica">The replica.</param>
    /// <param name="leasedMachines">Machines that hold a lease on it.</param>
    /// <param name="now">The time.</param>
    public static V1.Replica Show(VersionDocument document, ReplicaRecord replica, int leasedMachines, DateTimeOffset now)
    {
        var progress = document.ProgressOf(replica);
        var copied = StatusRules.CopiedBytes(document, replica);
        var rate = progress?.BytesPerSecond ?? 0;
        return new V1.Replica
        {
            Name = ReplicaName.Of(document.Version.Name, replica.Region, replica.Ordinal),
            Uid = replica.Uid,
            Region = replica.Region,
            Ordinal = replica.Ordinal,
            StorageAccountType = replica.StorageAccountType,
            State = progress is { Verifying: true } ? ReplicaState.Verifying : replica.State,
            Details = StatusRules.DetailsOf(replica, now),
            CopiedBytes = copied,
            TotalBytes = document.OccupiedBytes,
            TransferredBytes = StatusRules.TransferredBytes(document, replica),
            SourceRegion = progress is { SourceRegion.Length: > 0 } ? progress.SourceRegion : replica.SourceRegion,
            AttemptCount = replica.AttemptCount,
            RetryTime =
                replica.State is ReplicaState.Queued or ReplicaState.Deleting && replica.Problem.Length > 0 ? replica.RetryTime : null,
            ReadyTime = replica.ReadyTime,
            LastVerifiedTime = replica.LastVerifiedTime,
            LeasedMachineCount = leasedMachines,
            BytesPerSecond = rate,
            TimeLeft = StatusRules.TimeLeft(document.OccupiedBytes - copied, rate),
        };
    }

    /// <summary>By region, ordinal and life: the order of lists, and where a page ends.</summary>
    public static string SortKey(ReplicaRecord replica) =>
        FormattableString.Invariant($"{replica.Region}-{replica.Ordinal:D5}-{replica.Uid}");
}
