using Gallery.Contracts.Region.V1;
using Gallery.Replication.Links;
using Gallery.Replication.Records;
using Gallery.Replication.Tests.Support;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Tests.Rules;

public sealed class LinkRulesTests
{
    private static readonly LinkMonitorOptions Options = new();
    private static readonly DateTimeOffset Now = Documents.Now;

    [Fact]
    public void Round_trips_fall_at_once_and_rise_slowly_until_they_are_out_of_date()
    {
        var first = Merge(null, 8000, Now);
        Assert.Equal(8000, first.RoundTripMicros);
        Assert.Equal(8500, Merge(first, 12_000, Now.AddSeconds(30)).RoundTripMicros);
        Assert.Equal(4000, Merge(first, 4000, Now.AddSeconds(30)).RoundTripMicros);
        Assert.Equal(12_000, Merge(first, 12_000, Now.AddMinutes(6)).RoundTripMicros);
    }

    [Fact]
    public void What_was_measured_too_long_ago_says_nothing()
    {
        var record = LinkRules.Merge(
            null,
            new PeerLink
            {
                Region = "westus",
                Reachable = true,
                RoundTripMicros = 8000,
                BytesPerSecond = 1000,
                ThroughputTime = Timestamp.FromDateTimeOffset(Now),
            },
            Options,
            Now
        );
        Assert.Equal(new LinkEstimate(true, TimeSpan.FromMilliseconds(8), 1000), Estimate(record, TimeSpan.Zero));
        Assert.Equal(new LinkEstimate(true, null, 1000), Estimate(record, TimeSpan.FromMinutes(6)));
        Assert.Equal(LinkEstimate.Unknown, Estimate(record, TimeSpan.FromHours(2)));
        var shown = LinkRules.Show("westus", "eastus", record, Options, Now.AddHours(2));
        Assert.Equal((0, 0, true), (shown.RoundTripMicros, shown.BytesPerSecond, shown.Reachable));
    }

    [Fact]
    public void A_link_that_fails_is_out_of_reach_for_a_while_and_keeps_what_it_was()
    {
        var failed = LinkRules.Merge(Merge(null, 8000, Now), new PeerLink { Region = "westus", Details = "gone" }, Options, Now);
        Assert.Equal((false, "gone", 8000), (failed.Reachable, failed.Details, failed.RoundTripMicros));
        Assert.False(Estimate(failed, TimeSpan.Zero).Reachable);
        Assert.True(Estimate(failed, TimeSpan.FromMinutes(6)).Reachable);
        Assert.Equal("", Merge(failed, 8000, Now).Details);
    }

    [Fact]
    public void Near_is_what_answers_soon_then_the_continent_then_speed()
    {
        (string Name, LinkEstimate Link, bool SameContinent)[] nearFirst =
        [
            ("beside it", Of(0.4, 0), true),
            ("beside it and slow", Of(0.9, 1 << 20), true),
            ("beside it, elsewhere on paper", Of(0.2, 0), false),
            ("measured", Of(15, 0), false),
            ("not measured, same continent", LinkEstimate.Unknown, true),
            ("measured and far", Of(70, 0), true),
            ("not measured, other continent", LinkEstimate.Unknown, false),
            ("out of reach", Of(1, 0) with { Reachable = false }, true),
        ];

        var sorted = nearFirst.Reverse().OrderBy(each => LinkRules.Distance(each.Link, each.SameContinent)).Select(each => each.Name);

        Assert.Equal(nearFirst.Select(each => each.Name), sorted);
    }

    private static LinkEstimate Of(double millis, long speed) => new(Reachable: true, TimeSpan.FromMilliseconds(millis), speed);

    private static LinkEstimate Estimate(LinkRecord record, TimeSpan later) => LinkRules.Estimate(record, Options, Now + later);

    private static LinkRecord Merge(LinkRecord? before, long micros, DateTimeOffset now) =>
        LinkRules.Merge(
            before,
            new PeerLink
            {
                Region = "westus",
                Reachable = true,
                RoundTripMicros = micros,
            },
            Options,
            now
        );
}
