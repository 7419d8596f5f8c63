using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Versions;

/// <summary>Which desired state is waited for: a status may still tell of an earlier one.</summary>
/// <param name="Uid">The incarnation; null for any.</param>
/// <param name="Generation">The generation, or a later one.</param>
internal sealed record WatchGoal(string? Uid, long Generation)
{
    /// <summary>Whatever is wanted now.</summary>
    public static readonly WatchGoal WhateverIsWanted = new(null, 0);

    /// <summary>True when the status tells of the state that is waited for.</summary>
    public bool Concerns(ReplicationStatus status) =>
        status.Generation >= Generation
        && (Uid is null || status.VersionUid.Length == 0 || Uid.Equals(status.VersionUid, StringComparison.OrdinalIgnoreCase));

    /// <summary>True when nothing is left to do: every region is complete, was given up or cancelled.</summary>
    public bool IsReached(ReplicationStatus status) =>
        Concerns(status)
        && status.Summary.Count > 0
        && status.Summary.All(row =>
            row.State is RegionalReplicationState.Completed or RegionalReplicationState.Failed or RegionalReplicationState.Cancelled
        );
}
