using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Records;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Regions;

/// <summary>What a heartbeat says about a region. Pure.</summary>
internal static class HeartbeatRules
{
    private const int Smoothing = 4;

    /// <summary>The node answered.</summary>
    public static RegionHealthRecord Answered(RegionHealthRecord before, string region, Node node, TimeSpan roundTrip, DateTimeOffset now)
    {
        if (RegionName.Normalize(node.Region) != region)
        {
            // Copying to it would put one region's replicas into another one.
            return Missed(before, $"the node at its address serves '{node.Region}'", limit: 1);
        }

        var sick = node.Zones.Where(zone => !zone.Healthy).ToList();
        var micros = (long)roundTrip.TotalMicroseconds;
        return new RegionHealthRecord
        {
            State = sick.Count > 0 ? RegionState.Degraded : RegionState.Up,
            Details = string.Join("; ", sick.Select(zone => FormattableString.Invariant($"zone {zone.Number}: {zone.Details}"))),
            LastSeenTime = Timestamp.FromDateTimeOffset(now),
            ReplicaRevision = node.ReplicaRevision,
            UsedBytes = node.Zones.Sum(zone => zone.UsedBytes),
            AvailableBytes = node.Zones.Count == 0 ? 0 : node.Zones.Min(zone => zone.AvailableBytes),
            RoundTripMicros =
                before.RoundTripMicros == 0 ? micros : before.RoundTripMicros + ((micros - before.RoundTripMicros) / Smoothing),
        };
    }

    /// <summary>The node did not answer; a single miss may be a hiccup.</summary>
    public static RegionHealthRecord Missed(RegionHealthRecord before, string why, int limit)
    {
        var after = before.Clone();
        after.MissedCount = Math.Min(before.MissedCount + 1, limit);
        if (after.MissedCount >= limit)
        {
            after.State = RegionState.Down;
            after.Details = why;
        }

        return after;
    }
}
