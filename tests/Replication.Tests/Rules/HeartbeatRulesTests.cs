using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Tests.Support;

namespace Gallery.Replication.Tests.Rules;

public sealed class HeartbeatRulesTests
{
    private static readonly RegionMonitorOptions Options = new();

    [Fact]
    public void The_first_answer_tells_the_state_at_once()
    {
        var up = Answered(new RegionHealthRecord(), NodeOf(true, true), roundTripMillis: 2);
        Assert.Equal((RegionState.Up, 20, 100, 2000), (up.State, up.UsedBytes, up.AvailableBytes, up.RoundTripMicros));
        Assert.Equal([1, 2], up.Zones.Select(zone => zone.Number));
        Assert.Equal(Documents.Now, up.StateTime.ToDateTimeOffset());
        Assert.Equal(3000, Answered(up, NodeOf(true, true), roundTripMillis: 6).RoundTripMicros);
    }

    [Fact]
    public void It_is_worse_at_once_and_better_only_after_some_good_heartbeats()
    {
        var up = Answered(new RegionHealthRecord(), NodeOf(true));
        var sick = Answered(up, NodeOf(true, false));
        Assert.Equal((RegionState.Degraded, "zone 2: broken"), (sick.State, sick.Details));
        var once = Answered(sick, NodeOf(true, true));
        Assert.Equal((RegionState.Degraded, "zone 2: broken"), (once.State, once.Details));
        Assert.Equal(RegionState.Degraded, Answered(Answered(once, NodeOf(true, false)), NodeOf(true)).State); // It begins anew.
        Assert.Equal((RegionState.Up, ""), (Answered(once, NodeOf(true)).State, Answered(once, NodeOf(true)).Details));
    }

    [Fact]
    public void It_is_down_after_two_misses_and_back_after_two_answers()
    {
        var up = Answered(new RegionHealthRecord(), NodeOf(true));
        var missed = Missed(up);
        Assert.Equal(RegionState.Up, missed.State);
        var down = Missed(missed);
        Assert.Equal((RegionState.Down, "connection refused"), (down.State, down.Details));
        var once = Answered(down, NodeOf(true));
        Assert.Equal(RegionState.Down, once.State);
        Assert.Contains("answers again: heartbeat 1 of 2", once.Details, StringComparison.Ordinal);
        Assert.Equal(RegionState.Up, Answered(once, NodeOf(true)).State);

        // One that comes and goes does not count as up in between.
        var flapping = Missed(Missed(once));
        Assert.Equal(RegionState.Down, Answered(flapping, NodeOf(true)).State);
        Assert.Equal(Documents.Now, flapping.StateTime.ToDateTimeOffset());
    }

    [Fact]
    public void Failed_copies_degrade_it_until_none_failed_for_a_while()
    {
        var up = Answered(new RegionHealthRecord(), NodeOf(true));
        Assert.Equal(RegionState.Up, Answered(up, NodeOf(true), faults: 2).State);
        var failing = Answered(up, NodeOf(true), faults: 3);
        Assert.Equal(RegionState.Degraded, failing.State);
        Assert.Contains("3 copies failed lately", failing.Details, StringComparison.Ordinal);
        var fewer = Answered(Answered(failing, NodeOf(true), faults: 1), NodeOf(true), faults: 1);
        Assert.Equal((RegionState.Degraded, 1), (fewer.State, fewer.RecentFailureCount));
        Assert.Equal(RegionState.Up, Answered(Answered(fewer, NodeOf(true)), NodeOf(true)).State);
    }

    [Fact]
    public void A_full_zone_and_a_wrong_node_are_no_healthy_region()
    {
        var node = NodeOf(true);
        node.Zones[0].AvailableBytes = 0;
        Assert.Equal("zone 1: no room left", Answered(new RegionHealthRecord(), node).Details);
        node.Region = "westus";
        var wrong = Answered(new RegionHealthRecord { State = RegionState.Up }, node);
        Assert.Equal((RegionState.Down, "the node at its address serves 'westus'"), (wrong.State, wrong.Details));
    }

    private static RegionHealthRecord Missed(RegionHealthRecord before) =>
        HeartbeatRules.Missed(before, "connection refused", limit: 2, Documents.Now);

    private static RegionHealthRecord Answered(RegionHealthRecord before, Node node, int roundTripMillis = 1, int faults = 0) =>
        HeartbeatRules.Answered(
            before,
            "eastus",
            node,
            TimeSpan.FromMilliseconds(roundTripMillis),
            new RecentFaults(faults, "copying from it to westus: gone"),
            Options,
            Documents.Now
        );

    private static Node NodeOf(params bool[] zones)
    {
        var node = new Node { Region = "eastus" };
        node.Zones.AddRange(
            zones.Select(
                (healthy, index) =>
                    new Zone
                    {
                        Number = index + 1,
                        Healthy = healthy,
                        Details = healthy ? "" : "broken",
                        UsedBytes = 10,
                        AvailableBytes = 100 + index,
                    }
            )
        );
        return node;
    }
}
