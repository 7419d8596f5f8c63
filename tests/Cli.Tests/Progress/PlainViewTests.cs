using Gallery.Cli.Progress;
using Gallery.Cli.Tests.Harness;
using Gallery.Cli.Versions;
using Gallery.Contracts.Common.V1;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Time.Testing;
using static Gallery.Contracts.Common.V1.RegionalReplicationState;

namespace Gallery.Cli.Tests.Progress;

public sealed class PlainViewTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly StringWriter to = new();

    [Fact]
    public void A_row_is_written_when_it_changes_and_at_most_once_a_second()
    {
        using (var view = new PlainRegionView(to, time))
        {
            Show(view, ("eastus", Replicating, 10, ""), ("westus", Replicating, 5, ""));
            Show(view, ("eastus", Replicating, 20, ""), ("westus", Replicating, 5, ""));
            Show(view, ("eastus", Replicating, 30, ""), ("westus", Replicating, 5, ""));
            Assert.Equal(2, Lines.Length);
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(3, Lines.Length);
            Assert.Contains("eastus: replicating 30 %", Lines[2], StringComparison.Ordinal);
            time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal(3, Lines.Length);
        }

        Assert.Equal(3, Lines.Length);
    }

    [Fact]
    public void What_is_final_is_written_at_once_and_nothing_is_lost_at_the_end()
    {
        using (var view = new PlainRegionView(to, time))
        {
            Show(view, ("eastus", Replicating, 10, ""), ("westus", Replicating, 10, ""));
            Show(view, ("eastus", Completed, 100, ""), ("westus", Replicating, 60, "the node does not answer; next attempt in 4 s"));
            Assert.Contains("eastus: complete, 2/2 replicas", Lines[2], StringComparison.Ordinal);
        }

        Assert.Contains("westus: replicating 60 %", Lines[3], StringComparison.Ordinal);
        Assert.EndsWith(": the node does not answer; next attempt in 4 s", Lines[3], StringComparison.Ordinal);
        Assert.Equal(4, Lines.Length);
    }

    [Fact]
    public void A_transfer_that_never_began_has_no_line()
    {
        new PlainTransferView("importing it", to, time).Finish();
        Assert.Empty(to.ToString());

        var begun = new PlainTransferView("importing it", to, time);
        begun.Report(new TransferProgress(25, 100, 5));
        begun.Finish();
        Assert.Equal(["importing it: 25 % of 100 B, 5 B moved in 0.0 s"], Lines);
    }

    [Fact]
    public void A_countdown_is_not_news_and_another_attempt_is()
    {
        using var view = new PlainRegionView(to, time);
        for (var second = 30; second > 0; second--)
        {
            var status = ScriptedReplication.Status(("eastus", Replicating, 10, $"no answer; attempt 1, next in {second} s"));
            status.Summary[0].RetryTime = Timestamp.FromDateTime(DateTime.UnixEpoch.AddSeconds(30));
            view.Show(status);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Single(Lines);
        var next = ScriptedReplication.Status(("eastus", Replicating, 10, "no answer; attempt 2, next in 60 s"));
        next.Summary[0].RetryTime = Timestamp.FromDateTime(DateTime.UnixEpoch.AddSeconds(90));
        view.Show(next);
        Assert.Equal(2, Lines.Length);
    }

    [Fact]
    public void A_transfer_writes_a_line_a_second_and_one_at_the_end()
    {
        var view = new PlainTransferView("uploading disk.raw", to, time);
        view.Report(new TransferProgress(1, 100, 0));
        time.Advance(TimeSpan.FromSeconds(1));
        view.Report(new TransferProgress(50, 100, 25));
        view.Report(new TransferProgress(100, 100, 25));
        view.Finish();
        Assert.Equal(["uploading disk.raw: 50 % of 100 B, 25 B moved", "uploading disk.raw: 100 % of 100 B, 25 B moved in 1.0 s"], Lines);
    }

    [Fact]
    public void A_watch_is_over_when_no_region_is_left_of_the_state_that_is_waited_for()
    {
        var goal = new WatchGoal("11111111-0000-0000-0000-000000000000", 1);
        var settled = ScriptedReplication.Status(("eastus", Completed, 100, ""), ("westus", Failed, 30, "no room"));
        Assert.True(goal.IsReached(settled));
        Assert.False((goal with { Generation = 2 }).IsReached(settled));
        Assert.False((goal with { Uid = "22222222-0000-0000-0000-000000000000" }).IsReached(settled));
        Assert.False(goal.IsReached(ScriptedReplication.Status(("eastus", Failed, 10, "no room"), ("westus", Replicating, 30, ""))));
        Assert.False(goal.IsReached(ScriptedReplication.Status()));
        Assert.True(WatchGoal.WhateverIsWanted.IsReached(settled));
    }

    public void Dispose() => to.Dispose();

    private string[] Lines => to.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static void Show(PlainRegionView view, params (string, RegionalReplicationState, int, string)[] rows) =>
        view.Show(ScriptedReplication.Status(rows));
}
