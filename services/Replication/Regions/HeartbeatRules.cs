using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Records;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Regions;

/// <summary>
/// What a heartbeat says about a region. A region becomes worse as soon as that is known, and better only after some good heartbeats in a row.
/// Pure.
/// </summary>
internal static class HeartbeatRules
{
    private const int Smoothing = 4;

    /// <summary>The node answered.</summary>
    /// <param name="before">How the region was.</param>
    /// <param name="region">Its name.</param>
    /// <param name="node">What its node told.</param>
    /// <param name="roundTrip">How long that took.</param>
    /// <param name="faults">What failed lately because of it.</param>
    /// <param name="options">Limits.</param>
    /// <param name="now">The time.</param>
    public static RegionHealthRecord Answered(
        RegionHealthRecord before,
        string region,
        Node node,
        TimeSpan roundTrip,
        RecentFaults faults,
        RegionMonitorOptions options,
        DateTimeOffset now
    )
    {
        if (RegionName.Normalize(node.Region) != region)
        {
            // Copying to it would put one region's replicas into another one.
            return Missed(before, $"the node at its address serves '{node.Region}'", limit: 1, now);
        }

        var micros = (long)roundTrip.TotalMicroseconds;
        var after = before.Clone();
        after.MissedCount = 0;
        after.LastSeenTime = Timestamp.FromDateTimeOffset(now);
        after.RoundTripMicros =
            before.RoundTripMicros == 0 ? micros : before.RoundTripMicros + ((micros - before.RoundTripMicros) / Smoothing);
        after.Zones.Clear();
        after.Zones.AddRange(node.Zones.Select(ToZone));
        after.UsedBytes = node.Zones.Sum(zone => zone.UsedBytes);
        after.AvailableBytes = node.Zones.Count == 0 ? 0 : node.Zones.Min(zone => zone.AvailableBytes);
        after.ReadyReplicaCount = node.ReadyReplicaCount;
        after.RunningCopyCount = node.RunningPullCount;
        after.ReplicaRevision = node.ReplicaRevision;
        after.RecentFailureCount = faults.Count;
        after.Failing = faults.Count >= options.FaultLimit || (before.Failing && faults.Count > 0);
        List<string> problems = [.. node.Zones.Select(ProblemOf).Where(problem => problem.Length > 0)];
        if (after.Failing)
        {
            problems.Add(FormattableString.Invariant($"{faults.Count} copies failed lately because of it, the last one: {faults.Last}"));
        }

        return problems.Count > 0
            ? Settle(after, before, RegionState.Degraded, string.Join("; ", problems), options.RecoverLimit, now)
            : Settle(after, before, RegionState.Up, "", options.RecoverLimit, now);
    }

    /// <summary>The node did not answer; a single miss may be a hiccup.</summary>
    public static RegionHealthRecord Missed(RegionHealthRecord before, string why, int limit, DateTimeOffset now)
    {
        var after = before.Clone();
        after.BetterCount = 0;
        after.MissedCount = Math.Min(before.MissedCount + 1, limit);
        return after.MissedCount >= limit ? Enter(after, before, RegionState.Down, why, now) : after;
    }

    private static RegionHealthRecord Settle(
        RegionHealthRecord after,
        RegionHealthRecord before,
        RegionState state,
        string details,
        int recoverLimit,
        DateTimeOffset now
    )
    {
        if (before.State == RegionState.Unspecified || state >= before.State || before.BetterCount + 1 >= recoverLimit)
        {
            after.BetterCount = 0;
            return Enter(after, before, state, details, now);
        }

        after.BetterCount = before.BetterCount + 1;
        if (before.State == RegionState.Down)
        {
            after.Details = FormattableString.Invariant(
                $"it answers again: heartbeat {after.BetterCount} of {recoverLimit} before it counts"
            );
        }

        return after;
    }

    private static RegionHealthRecord Enter(
        RegionHealthRecord after,
        RegionHealthRecord before,
        RegionState state,
        string details,
        DateTimeOffset now
    )
    {
        after.State = state;
        after.Details = details;
        if (before.State != state)
        {
            after.StateTime = Timestamp.FromDateTimeOffset(now);
        }

        return after;
    }

    private static string ProblemOf(Zone zone) =>
        !zone.Healthy ? FormattableString.Invariant($"zone {zone.Number}: {zone.Details}")
        : zone.AvailableBytes <= 0 ? FormattableString.Invariant($"zone {zone.Number}: no room left")
        : "";

    private static RegionZone ToZone(Zone zone) =>
        new()
        {
            Number = zone.Number,
            Healthy = zone.Healthy,
            Details = zone.Details,
            UsedBytes = zone.UsedBytes,
            AvailableBytes = zone.AvailableBytes,
        };
}
