using FsCheck.Xunit;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Status;
using Gallery.Replication.Tests.Support;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;

namespace Gallery.Replication.Tests.Rules;

public sealed class StatusRulesTests
{
    [Fact]
    public void Rows_count_replicas_and_bytes()
    {
        var document = Documents.New(("westus", 2), ("eastus", 1)).Complete("westus", 0);
        var rows = StatusRules.TargetRows(document, Documents.Now).ToList();
        Assert.Equal(["westus", "eastus"], rows.Select(row => row.Region));
        Assert.Equal(
            (1, 2, 50, House.Occupied, 2 * House.Occupied),
            (rows[0].ReadyReplicaCount, rows[0].TargetReplicaCount, rows[0].Progress, rows[0].CopiedBytes, rows[0].TotalBytes)
        );
        Assert.Equal((RegionalReplicationState.Replicating, 0), (rows[1].State, rows[1].Progress));
        Assert.Equal(AggregatedReplicationState.InProgress, StatusRules.AggregateOf(document));
        Assert.Equal(AggregatedReplicationState.Completed, StatusRules.AggregateOf(document.CompleteAll()));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(House.Occupied / 2, 50)]
    [InlineData(House.Occupied, 99)] // All bytes are there, and not yet checked.
    public void Progress_is_100_only_when_complete(long copied, int progress)
    {
        var document = Documents.New(("westus", 1));
        var uid = document.Replica("westus", 0).Uid;
        var claimed = WorkRules.Claim(document, uid, Documents.Now, TimeSpan.FromSeconds(15))!;
        claimed.Progress[uid] = new ProgressRecord { Token = 1, CopiedBytes = copied };
        Assert.Equal(progress, StatusRules.TargetRows(claimed, Documents.Now).Single().Progress);
        claimed.Progress[uid].Token = 7; // Of somebody who does not hold it.
        Assert.Equal(0, StatusRules.TargetRows(claimed, Documents.Now).Single().Progress);
    }

    [Fact]
    public void An_empty_disk_counts_replicas_in_place_of_bytes()
    {
        var document = Documents.New(("westus", 2));
        document.Version.Disks[0].Content.OccupiedSizeBytes = 0;
        Assert.Equal(0, StatusRules.TargetRows(document, Documents.Now).Single().Progress);
        Assert.Equal(50, StatusRules.TargetRows(document.Complete("westus", 0), Documents.Now).Single().Progress);
        Assert.Equal(100, StatusRules.TargetRows(document.CompleteAll(), Documents.Now).Single().Progress);
    }

    [Fact]
    public void Details_say_what_is_wrong_which_attempt_and_when_the_next_one_is()
    {
        var document = Documents.New(("westus", 1));
        var now = Documents.Now;
        for (var attempt = 0; attempt < 3; attempt++)
        {
            document = document.Fail("westus", 0, new WorkFailure("westus does not answer (connection refused)", "westus"), now);
            now = document.Replica("westus", 0).RetryTime.ToDateTimeOffset();
        }

        var row = StatusRules.TargetRows(document, now.AddSeconds(-4)).Single();
        Assert.Equal("westus does not answer (connection refused); attempt 3, next in 4 s", row.Details);
        Assert.Equal(now, row.RetryTime.ToDateTimeOffset());
        Assert.EndsWith("next in 2 s", StatusRules.TargetRows(document, now.AddSeconds(-1.2)).Single().Details, StringComparison.Ordinal);
        Assert.EndsWith("next at once", StatusRules.TargetRows(document, now).Single().Details, StringComparison.Ordinal);
    }

    [Fact]
    public void A_region_is_failed_only_when_nothing_in_it_moves_any_more()
    {
        var document = Documents.New(("westus", 3)).Complete("westus", 0).Fail("westus", 1, new WorkFailure("full", IsFinal: true));
        Assert.Equal(RegionalReplicationState.Replicating, StatusRules.TargetRows(document, Documents.Now).Single().State);
        Assert.False(StatusRules.IsSettled(document));
        document = document.Complete("westus", 2);
        var row = StatusRules.TargetRows(document, Documents.Now).Single();
        Assert.Equal((RegionalReplicationState.Failed, 2, 66), (row.State, row.ReadyReplicaCount, row.Progress));
        Assert.True(StatusRules.IsSettled(document));
    }

    [Fact]
    public void Regions_being_dropped_come_last_and_do_not_hold_the_version_up()
    {
        var full = Documents.New(("westus", 1), ("eastus", 1)).CompleteAll();
        var status = StatusRules.StatusOf(Documents.Apply(full, Documents.Desired(2, targets: [("westus", 1)])), Documents.Now);
        Assert.Equal(["westus", "eastus"], status.Summary.Select(row => row.Region));
        Assert.Equal((AggregatedReplicationState.Completed, 0), (status.AggregatedState, status.Summary[1].TargetReplicaCount));
        Assert.StartsWith("dropped", status.Summary[1].Details, StringComparison.Ordinal);
    }

    [Property(MaxTest = 200)]
    public bool Whatever_happens_rows_tell_the_truth(byte[] steps)
    {
        // A random walk through the life of a version: whatever comes, 100 % means complete and the counts add up.
        var now = Documents.Now;
        var document = Documents.New(("westus", 2), ("eastus", 3));
        foreach (var step in steps)
        {
            now = now.AddSeconds(step % 20);
            document = Walk(document, step, now) ?? document;
            foreach (var row in StatusRules.TargetRows(document, now))
            {
                var complete = row.ReadyReplicaCount == row.TargetReplicaCount;
                if (
                    row.Progress == 100 != complete
                    || (row.State == RegionalReplicationState.Completed) != complete
                    || row.CopiedBytes > row.TotalBytes
                )
                {
                    return false;
                }
            }

            // Work never stands still: what is not settled has something that is due, or held.
            if (
                !StatusRules.IsSettled(document)
                && document.IsWanted
                && !document.Replicas.Values.Any(replica =>
                    replica.State != ReplicaState.Deleting && Schedule.Of(document, replica) is not null
                )
            )
            {
                return false;
            }
        }

        return true;
    }

    private static VersionDocument? Walk(VersionDocument document, byte step, DateTimeOffset now)
    {
        var generation = document.Version.Generation + 1;
        var replicas = document.Replicas.Values.OrderBy(replica => replica.Uid, StringComparer.Ordinal).ToList();
        var replica = replicas[step % replicas.Count];
        var token = document.ClaimOf(replica.Uid).Token;
        return (step / 16) switch
        {
            0 or 1 or 2 or 3 => WorkRules.Claim(document, replica.Uid, now, TimeSpan.FromSeconds(15)),
            4 or 5 or 6 => WorkRules.Complete(document, replica.Uid, token, new CompletedCopy(0, "westus", now, now), now),
            7 => WorkRules.Fail(document, replica.Uid, token, new WorkFailure("x", "westus"), Documents.Options, 0.5, now),
            8 => WorkRules.Fail(document, replica.Uid, token, new WorkFailure("x", IsFinal: true), Documents.Options, 0.5, now),
            9 => WorkRules.Wake(document, "westus", now),
            10 => WorkRules.Retry(document, "eastus", now),
            11 => document.Replicas.Count > 1 ? WorkRules.Freed(document, replica.Uid, token, now) : null,
            12 => Documents.Apply(document, Documents.Desired(generation, targets: [("westus", 1 + (step % 3)), ("eastus", 2)]), now),
            13 => Documents.Apply(document, Documents.Desired(generation, targets: [("westus", 2)]), now),
            14 => Documents.Apply(
                document,
                Documents.Desired(generation, targets: [("westus", 2), ("northeurope", 1), ("eastus", 1)]),
                now
            ),
            _ => WorkRules.Release(document, replica.Uid, token, now),
        };
    }
}
