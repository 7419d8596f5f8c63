using Gallery.Cli.Output;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Progress;

/// <summary>A region's row in words.</summary>
internal static class RegionLine
{
    /// <summary><c>eastus: replicating 42 %, 1/2 replicas, 512 MiB of 1.2 GiB, then what is wrong</c>.</summary>
    public static string Of(RegionalReplicationStatus row) => $"{row.Region}: {State(row)}{Details(row)}";

    /// <summary>The same without the region.</summary>
    public static string State(RegionalReplicationStatus row) =>
        row.State switch
        {
            RegionalReplicationState.Completed =>
                $"complete, {Replicas(row)}, {Human.Bytes(row.TotalBytes)}, {Human.Bytes(row.TransferredBytes)} crossed borders",
            RegionalReplicationState.Failed => $"given up, {Replicas(row)}",
            RegionalReplicationState.Cancelled => Replicas(row),
            _ =>
                $"replicating {row.Progress} %, {Replicas(row)}, {Human.Bytes(row.CopiedBytes)} of {Human.Bytes(row.TotalBytes)}{Rate(row)}",
        };

    /// <summary>The same beside a bar, which shows the progress itself.</summary>
    public static string BesideBar(RegionalReplicationStatus row) =>
        row.State switch
        {
            RegionalReplicationState.Completed => $"complete, {Replicas(row)}",
            RegionalReplicationState.Failed => $"given up, {Replicas(row)}",
            RegionalReplicationState.Cancelled => Replicas(row),
            _ => $"{Replicas(row)}, {Human.Bytes(row.CopiedBytes)} of {Human.Bytes(row.TotalBytes)}{Rate(row)}",
        } + Details(row);

    /// <summary>What is wrong, and when it is tried again; empty when all is well.</summary>
    private static string Details(RegionalReplicationStatus row) => row.Details.Length == 0 ? "" : $": {row.Details}";

    /// <summary>
    /// What makes a line worth writing: another key. A countdown to the next attempt inside the details is none; another attempt is one.
    /// </summary>
    public static string Key(RegionalReplicationStatus row) =>
        $"{State(row)}{row.RetryTime}{string.Concat(row.Details.Where(c => !char.IsAsciiDigit(c)))}";

    /// <summary>How fast it is and how long it takes; empty while nothing moves.</summary>
    private static string Rate(RegionalReplicationStatus row) =>
        row.BytesPerSecond <= 0 ? ""
        : row.TimeLeft is null ? $", {Human.Bytes(row.BytesPerSecond)}/s"
        : $", {Human.Bytes(row.BytesPerSecond)}/s, {Human.Span(row.TimeLeft)} left";

    private static string Replicas(RegionalReplicationStatus row) =>
        row.TargetReplicaCount == 1 ? $"{row.ReadyReplicaCount}/1 replica" : $"{row.ReadyReplicaCount}/{row.TargetReplicaCount} replicas";
}
