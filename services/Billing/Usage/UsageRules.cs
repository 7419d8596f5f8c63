using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Events.V1;

namespace Gallery.Billing.Usage;

/// <summary>
/// What an event changes in the records of a replica. Pure. The order of events and their repetition do not matter: the earliest READY opens
/// the interval and says what is billed, the earliest end closes it, and an end that comes first waits for its beginning.
/// </summary>
internal static class UsageRules
{
    /// <summary>The interval after the event; null when the event changes nothing.</summary>
    /// <param name="current">The interval so far; null when nothing is known of the replica.</param>
    /// <param name="change">The event, with its time.</param>
    public static UsageInterval? Apply(UsageInterval? current, ReplicaChanged change) =>
        change.State switch
        {
            ReplicaState.Ready => Begin(current, change),
            ReplicaState.Deleting or ReplicaState.Deleted => End(current, change),
            _ => null,
        };

    /// <summary>The egress that the event tells of; null when it tells of none.</summary>
    public static EgressRecord? EgressOf(string subscriptionId, ReplicaChanged change)
    {
        // Copies inside a region, and so all of the home region, cross no border.
        var crossesBorder = change.SourceRegion.Length > 0 && change.SourceRegion != change.Region;
        return change is { State: ReplicaState.Ready, FirstInRegion: true } && crossesBorder
            ? new EgressRecord
            {
                Name = $"subscriptions/{subscriptionId}/egressRecords/{change.Uid}",
                Version = change.Version,
                VersionUid = change.VersionUid,
                SourceRegion = change.SourceRegion,
                TargetRegion = change.Region,
                OccupiedSizeBytes = change.OccupiedSizeBytes,
                TransferredBytes = change.TransferredBytes,
                // A region that comes back is a new first copy, of what really has to cross (semantics.md 10).
                BilledBytes = change.RegionReAdded ? change.TransferredBytes : change.OccupiedSizeBytes,
                RegionReAdded = change.RegionReAdded,
                Time = change.Time,
            }
            : null;
    }

    /// <summary>Whether an interval has begun: an end that came before its beginning is no usage.</summary>
    public static bool HasBegun(UsageInterval? interval) => interval?.StartTime is not null;

    private static UsageInterval? Begin(UsageInterval? current, ReplicaChanged change)
    {
        if (HasBegun(current) && current!.StartTime.CompareTo(change.Time) <= 0)
        {
            return null;
        }

        var next = Describe(change);
        next.StartTime = change.Time;
        next.EndTime = current?.EndTime;
        return next;
    }

    private static UsageInterval? End(UsageInterval? current, ReplicaChanged change)
    {
        if (current?.EndTime is { } ended && ended.CompareTo(change.Time) <= 0)
        {
            return null;
        }

        var next = current?.Clone() ?? Describe(change);
        next.EndTime = change.Time;
        return next;
    }

    private static UsageInterval Describe(ReplicaChanged change) =>
        new()
        {
            Replica = change.Name,
            Version = change.Version,
            VersionUid = change.VersionUid,
            Region = change.Region,
            StorageAccountType = change.StorageAccountType,
            OccupiedSizeBytes = change.OccupiedSizeBytes,
        };
}
