using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Records;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Links;

/// <summary>What is known of the way from one region to another, as far as it still counts.</summary>
/// <param name="Reachable">False when the target's node failed to reach the source's lately.</param>
/// <param name="RoundTrip">Null when it is not known.</param>
/// <param name="BytesPerSecond">0 when it is not known.</param>
internal readonly record struct LinkEstimate(bool Reachable, TimeSpan? RoundTrip, long BytesPerSecond)
{
    /// <summary>Nothing is known.</summary>
    public static readonly LinkEstimate Unknown = new(Reachable: true, RoundTrip: null, BytesPerSecond: 0);
}

/// <summary>How measurements become what is known of a link. Pure.</summary>
internal static class LinkRules
{
    private const int Smoothing = 8;

    // What a round trip is taken for until it is measured: inside a continent, and between two.
    private static readonly TimeSpan NearGuess = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan FarGuess = TimeSpan.FromMilliseconds(150);

    // Below this, and above that, differences are noise or don't matter.
    private static readonly TimeSpan ShortRoundTrip = TimeSpan.FromMilliseconds(10);
    private const long FastLink = 100L << 20;

    /// <summary>Takes in a measurement.</summary>
    public static LinkRecord Merge(LinkRecord? before, PeerLink measured, LinkMonitorOptions options, DateTimeOffset now)
    {
        var after = before?.Clone() ?? new LinkRecord();
        after.Reachable = measured.Reachable;
        after.Details = measured.Reachable ? "" : measured.Details;
        after.TryTime = Timestamp.FromDateTimeOffset(now);
        if (measured.Reachable && measured.RoundTripMicros > 0)
        {
            // A busy machine answers late, and none too early: it falls at once and rises slowly. What is out of date does not weigh at all.
            var late = measured.RoundTripMicros - after.RoundTripMicros;
            after.RoundTripMicros =
                late > 0 && IsFresh(after.RoundTripTime, options.RoundTripLifetime, now)
                    ? after.RoundTripMicros + (late / Smoothing)
                    : measured.RoundTripMicros;
            after.RoundTripTime = after.TryTime;
        }

        if (measured.BytesPerSecond > 0 && measured.ThroughputTime is not null)
        {
            after.BytesPerSecond = measured.BytesPerSecond; // Smoothed by the node already.
            after.ThroughputTime = measured.ThroughputTime;
        }

        return after;
    }

    /// <summary>What still counts of a record.</summary>
    public static LinkEstimate Estimate(LinkRecord record, LinkMonitorOptions options, DateTimeOffset now) =>
        new(
            record.Reachable || !IsFresh(record.TryTime, options.RoundTripLifetime, now),
            IsFresh(record.RoundTripTime, options.RoundTripLifetime, now) ? TimeSpan.FromMicroseconds(record.RoundTripMicros) : null,
            IsFresh(record.ThroughputTime, options.ThroughputLifetime, now) ? record.BytesPerSecond : 0
        );

    /// <summary>A record as it is shown.</summary>
    public static RegionLink Show(string source, string target, LinkRecord record, LinkMonitorOptions options, DateTimeOffset now)
    {
        var known = Estimate(record, options, now);
        return new RegionLink
        {
            SourceRegion = source,
            TargetRegion = target,
            Reachable = record.Reachable,
            Details = record.Details,
            RoundTripMicros = (long)(known.RoundTrip?.TotalMicroseconds ?? 0),
            BytesPerSecond = known.BytesPerSecond,
            MeasureTime = record.RoundTripTime,
            ThroughputTime = record.ThroughputTime,
        };
    }

    /// <summary>
    /// How far a source is, for comparing: out of reach, round trip, continent, speed. Round trips and speeds count by powers of two, so that
    /// noise does not send bytes to another continent.
    /// </summary>
    public static (bool OutOfReach, int RoundTrip, bool OtherContinent, int Slowness) Distance(LinkEstimate link, bool sameContinent)
    {
        var roundTrip = link.RoundTrip ?? (sameContinent ? NearGuess : FarGuess);
        var slowness = link.BytesPerSecond is 0 or >= FastLink ? 0 : (int)Math.Ceiling(Math.Log2((double)FastLink / link.BytesPerSecond));
        return (
            !link.Reachable,
            roundTrip <= ShortRoundTrip ? 0 : (int)Math.Ceiling(Math.Log2(roundTrip / ShortRoundTrip)),
            !sameContinent,
            slowness
        );
    }

    private static bool IsFresh(Timestamp? time, TimeSpan lifetime, DateTimeOffset now) =>
        time is not null && now - time.ToDateTimeOffset() <= lifetime;
}
