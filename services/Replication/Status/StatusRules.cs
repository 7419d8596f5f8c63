using System.Globalization;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Versions;
using Google.Protobuf.WellKnownTypes;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Status;

/// <summary>Reads the rows of a version off its document (semantics 3.7). Pure.</summary>
internal static class StatusRules
{
    /// <summary>All rows: target regions in their order, then regions whose bytes are still being freed.</summary>
    public static V1.ReplicationStatus StatusOf(VersionDocument document, DateTimeOffset now)
    {
        var status = new V1.ReplicationStatus
        {
            Version = document.Version.Name,
            VersionUid = document.Version.Uid,
            Generation = document.Version.Generation,
            AggregatedState = AggregateOf(document),
        };
        status.Summary.AddRange(TargetRows(document, now));
        status.Summary.AddRange(
            document
                .Version.Regions.Where(region => region.WantedCount == 0 && Leaving(document, region.Region).Any())
                .Select(region => LeavingRow(document, region, now))
        );
        return status;
    }

    /// <summary>The rows of the target regions, in their order.</summary>
    public static IEnumerable<RegionalReplicationStatus> TargetRows(VersionDocument document, DateTimeOffset now) =>
        Targets(document).Select(region => TargetRow(document, region, now));

    /// <summary>All target regions together.</summary>
    public static AggregatedReplicationState AggregateOf(VersionDocument document)
    {
        var states = Targets(document).Select(region => StateOf(document, region)).ToList();
        return states switch
        {
            [] => AggregatedReplicationState.Unspecified,
            _ when states.Exists(IsGivenUp) => AggregatedReplicationState.Failed,
            _ when states.TrueForAll(state => state == RegionalReplicationState.Completed) => AggregatedReplicationState.Completed,
            _ => AggregatedReplicationState.InProgress,
        };
    }

    /// <summary>Whether nothing is left to do in any target region.</summary>
    public static bool IsSettled(VersionDocument document) =>
        Targets(document)
            .All(region => StateOf(document, region) is var state && (state == RegionalReplicationState.Completed || IsGivenUp(state)));

    /// <summary>Whether nothing more comes of a region unless somebody asks for it anew.</summary>
    public static bool IsGivenUp(RegionalReplicationState state) =>
        state is RegionalReplicationState.Failed or RegionalReplicationState.Cancelled;

    /// <summary>The target regions, in their order.</summary>
    public static IEnumerable<RegionRecord> Targets(VersionDocument document) =>
        document.Version.Regions.Where(region => region.WantedCount > 0);

    /// <summary>Where a target region stands: given up only when nothing in it moves any more.</summary>
    public static RegionalReplicationState StateOf(VersionDocument document, RegionRecord region)
    {
        var (ready, failed, cancelled) = (0, 0, 0);
        foreach (var replica in document.WantedIn(region.Region))
        {
            ready += replica.State == ReplicaState.Ready ? 1 : 0;
            failed += replica.State == ReplicaState.Failed ? 1 : 0;
            cancelled += replica.State == ReplicaState.Cancelled ? 1 : 0;
        }

        return ready >= region.WantedCount ? RegionalReplicationState.Completed
            : ready + failed + cancelled < region.WantedCount ? RegionalReplicationState.Replicating
            : failed > 0 ? RegionalReplicationState.Failed
            : cancelled > 0 ? RegionalReplicationState.Cancelled
            : RegionalReplicationState.Replicating;
    }

    /// <summary>What stands in the way of a replica, with the time of the next attempt; empty when nothing does.</summary>
    public static string DetailsOf(ReplicaRecord replica, DateTimeOffset now)
    {
        if (replica.State == ReplicaState.Cancelled)
        {
            return (replica.StopPending, replica.Problem.Length) switch
            {
                (false, _) => "cancelled",
                (_, 0) => "cancelled; its node is being told to stop",
                _ => $"cancelled; its node is not told to stop yet: {replica.Problem}",
            };
        }

        if (replica.Problem.Length == 0)
        {
            return "";
        }

        if (replica.State == ReplicaState.Failed)
        {
            return replica.AttemptCount == 0
                ? replica.Problem
                : string.Create(CultureInfo.InvariantCulture, $"{replica.Problem}; given up after {Attempts(replica.AttemptCount)}");
        }

        var attempt = string.Create(CultureInfo.InvariantCulture, $"{replica.Problem}; attempt {replica.AttemptCount}");
        if (replica.State is not (ReplicaState.Queued or ReplicaState.Deleting))
        {
            return $"{attempt} is being made";
        }

        var wait = (replica.RetryTime?.ToDateTimeOffset() ?? now) - now;
        return wait > TimeSpan.Zero
            ? string.Create(CultureInfo.InvariantCulture, $"{attempt}, next in {Math.Ceiling(wait.TotalSeconds):0} s")
            : $"{attempt}, next at once";
    }

    /// <summary>Bytes in place of a replica.</summary>
    public static long CopiedBytes(VersionDocument document, ReplicaRecord replica) =>
        replica.State switch
        {
            ReplicaState.Ready => document.OccupiedBytes,
            ReplicaState.Deleting => 0,
            // Progress of a holder that began anew must not make the row go back.
            _ => Math.Min(document.OccupiedBytes, Math.Max(replica.CopiedBytes, document.ProgressOf(replica)?.CopiedBytes ?? 0)),
        };

    /// <summary>Block bytes that crossed a region border for a replica so far.</summary>
    public static long TransferredBytes(VersionDocument document, ReplicaRecord replica) =>
        Math.Max(replica.TransferredBytes, document.ProgressOf(replica)?.TransferredBytes ?? 0);

    /// <summary>How long so many bytes take, in whole seconds; null when nothing moves or nothing is left.</summary>
    public static Duration? TimeLeft(long bytes, long bytesPerSecond) =>
        bytes <= 0 || bytesPerSecond <= 0 ? null : new Duration { Seconds = (bytes + bytesPerSecond - 1) / bytesPerSecond };

    private static RegionalReplicationStatus TargetRow(VersionDocument document, RegionRecord region, DateTimeOffset now)
    {
        var replicas = document.WantedIn(region.Region).ToList();
        var state = StateOf(document, region);
        var total = document.OccupiedBytes * region.WantedCount;
        var copied = replicas.Sum(replica => CopiedBytes(document, replica));
        var ready = replicas.Count(replica => replica.State == ReplicaState.Ready);
        // The replica that moves the region on, or holds it up, speaks for it.
        var troubled = replicas
            .Where(replica =>
                replica.State == ReplicaState.Cancelled || (replica.Problem.Length > 0 && replica.State != ReplicaState.Ready)
            )
            .ToList();
        var speaker =
            troubled.Find(replica => replica.State is not (ReplicaState.Failed or ReplicaState.Cancelled))
            ?? troubled.Find(replica => replica.State == ReplicaState.Failed)
            ?? troubled.FirstOrDefault();
        var row = new RegionalReplicationStatus
        {
            Region = region.Region,
            State = state,
            Details = speaker is null ? "" : DetailsOf(speaker, now),
            Progress = ProgressOf(state, copied, total, ready, region.WantedCount),
            ReadyReplicaCount = ready,
            TargetReplicaCount = region.WantedCount,
            CopiedBytes = copied,
            TotalBytes = total,
            TransferredBytes = replicas.Sum(replica => TransferredBytes(document, replica)),
            UpdateTime = region.UpdateTime,
            BytesPerSecond = replicas.Sum(replica => document.ProgressOf(replica)?.BytesPerSecond ?? 0),
        };
        row.TimeLeft = TimeLeft(total - copied, row.BytesPerSecond);
        if (speaker is { State: ReplicaState.Queued })
        {
            row.RetryTime = speaker.RetryTime;
        }

        return row;
    }

    private static RegionalReplicationStatus LeavingRow(VersionDocument document, RegionRecord region, DateTimeOffset now)
    {
        var replicas = Leaving(document, region.Region).ToList();
        var troubled = replicas.Find(replica => replica.Problem.Length > 0);
        var row = new RegionalReplicationStatus
        {
            Region = region.Region,
            State = RegionalReplicationState.Replicating,
            Details = troubled is null ? "dropped: its bytes are being freed" : $"dropped: {DetailsOf(troubled, now)}",
            UpdateTime = region.UpdateTime,
        };
        if (troubled is not null)
        {
            row.RetryTime = troubled.RetryTime;
        }

        return row;
    }

    private static IEnumerable<ReplicaRecord> Leaving(VersionDocument document, string region) =>
        document.Replicas.Values.Where(replica => replica.Region == region && replica.State == ReplicaState.Deleting);

    private static int ProgressOf(RegionalReplicationState state, long copied, long total, int ready, int wanted)
    {
        if (state == RegionalReplicationState.Completed)
        {
            return 100;
        }

        // Empty disks have no bytes to count; their replicas are.
        var share = total > 0 ? (double)copied / total : (double)ready / wanted;
        return Math.Clamp((int)(share * 100), 0, 99);
    }

    private static string Attempts(int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "attempt" : "attempts")}");
}
