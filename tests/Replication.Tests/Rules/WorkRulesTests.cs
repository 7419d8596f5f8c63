using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Status;
using Gallery.Replication.Tests.Support;
using Gallery.Replication.Work;

namespace Gallery.Replication.Tests.Rules;

public sealed class WorkRulesTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    [Fact]
    public void Only_the_first_replica_of_a_region_begins_and_the_others_follow_it()
    {
        var document = Documents.New(("westus", 3));
        Assert.NotNull(Schedule.Of(document, document.Replica("westus", 0)));
        Assert.Null(Schedule.Of(document, document.Replica("westus", 1)));
        var ready = document.Complete("westus", 0);
        Assert.NotNull(Schedule.Of(ready, ready.Replica("westus", 1)));
        Assert.NotNull(Schedule.Of(ready, ready.Replica("westus", 2)));
    }

    [Fact]
    public void A_replica_is_claimed_once_until_the_lease_ends_and_each_holder_has_a_higher_token()
    {
        var document = Documents.New(("westus", 1));
        var uid = document.Replica("westus", 0).Uid;
        var first = WorkRules.Claim(document, uid, Documents.Now, Lease)!;
        Assert.Equal(1, first.ClaimOf(uid).Token);
        Assert.Null(WorkRules.Claim(first, uid, Documents.Now.AddSeconds(14), Lease));
        var second = WorkRules.Claim(first, uid, Documents.Now.AddSeconds(15), Lease)!;
        Assert.Equal((2, 2), (second.ClaimOf(uid).Token, second.Replica("westus", 0).AttemptCount));
    }

    [Fact]
    public void What_a_holder_that_died_had_in_place_still_counts_when_the_next_one_takes_over()
    {
        var document = Documents.New(("westus", 1));
        var uid = document.Replica("westus", 0).Uid;
        var first = WorkRules.Claim(document, uid, Documents.Now, Lease)!;
        first.Progress[uid] = new ProgressRecord
        {
            Token = 1,
            CopiedBytes = 1000,
            TransferredBytes = 900,
        };
        var second = WorkRules.Claim(first, uid, Documents.Now.AddMinutes(1), Lease)!;
        var row = StatusRules.StatusOf(second, Documents.Now).Summary[0];
        Assert.Equal((1000, 900), (row.CopiedBytes, row.TransferredBytes));
    }

    [Fact]
    public void A_stale_holder_changes_nothing()
    {
        var document = Documents.New(("westus", 1));
        var uid = document.Replica("westus", 0).Uid;
        var first = WorkRules.Claim(document, uid, Documents.Now, Lease)!;
        var second = WorkRules.Claim(first, uid, Documents.Now.AddMinutes(1), Lease)!;
        var copy = new CompletedCopy(0, "westus", Documents.Now, Documents.Now);
        Assert.Null(WorkRules.Complete(second, uid, 1, copy, Documents.Now));
        Assert.Null(WorkRules.Fail(second, uid, 1, new WorkFailure("x"), Documents.Options, 0, Documents.Now));
        Assert.Null(WorkRules.Release(second, uid, 1, Documents.Now));
        var ready = WorkRules.Complete(second, uid, 2, copy, Documents.Now)!;
        Assert.Null(WorkRules.Complete(ready, uid, 2, copy, Documents.Now)); // Twice is once.
    }

    [Fact]
    public void Waits_double_up_to_the_limit_and_start_again_when_the_region_is_back()
    {
        var document = Documents.New(("westus", 1));
        var now = Documents.Now;
        var waits = new List<double>();
        for (var attempt = 0; attempt < 7; attempt++)
        {
            document = document.Fail("westus", 0, new WorkFailure("no answer", "westus"), now);
            var next = document.Replica("westus", 0).RetryTime.ToDateTimeOffset();
            waits.Add((next - now).TotalSeconds);
            now = next;
        }

        Assert.Equal([1, 2, 4, 8, 16, 30, 30], waits);
        var woken = WorkRules.Wake(document, "westus", now.AddSeconds(-10))!;
        Assert.Equal(now.AddSeconds(-10), woken.Replica("westus", 0).RetryTime.ToDateTimeOffset());
        Assert.Equal(0, woken.Replica("westus", 0).FailureCount);
        Assert.Null(WorkRules.Wake(woken, "westus", now));
        Assert.Null(WorkRules.Wake(document, "eastus", now));
    }

    [Fact]
    public void A_wait_that_the_circuit_decides_is_taken_over()
    {
        var document = Documents.New(("westus", 1)).Fail("westus", 0, new WorkFailure("open", RetryAfter: TimeSpan.FromSeconds(3)));
        Assert.Equal(Documents.Now.AddSeconds(3), document.Replica("westus", 0).RetryTime.ToDateTimeOffset());
    }

    [Fact]
    public void A_replica_is_given_up_after_the_budget_and_taken_up_by_a_retry()
    {
        var document = Documents.New(("westus", 2));
        document = document.Fail("westus", 0, new WorkFailure("no answer", "westus"));
        var late = Documents.Now + Documents.Options.RetryBudget;
        var given = document.Fail("westus", 0, new WorkFailure("no answer", "westus"), late);
        Assert.All(given.WantedIn("westus"), replica => Assert.Equal(ReplicaState.Failed, replica.State));
        Assert.Equal(AggregatedReplicationState.Failed, StatusRules.AggregateOf(given));
        Assert.Contains("given up after 2 attempts", StatusRules.TargetRows(given, late).Single().Details, StringComparison.Ordinal);
        Assert.Single(
            document.EventsTo(given),
            told => told.ReplicationStatusChanged is { AggregatedState: AggregatedReplicationState.Failed }
        );

        var again = WorkRules.Retry(given, "westus", late)!;
        Assert.All(again.WantedIn("westus"), replica => Assert.Equal(ReplicaState.Queued, replica.State));
        Assert.Single(
            given.EventsTo(again),
            told => told.ReplicationStatusChanged is { AggregatedState: AggregatedReplicationState.InProgress }
        );
        var once = again.Fail("westus", 0, new WorkFailure("no answer", "westus"), late);
        Assert.Equal(ReplicaState.Queued, once.Replica("westus", 0).State);
        Assert.Null(WorkRules.Retry(Documents.New(("westus", 1)).CompleteAll(), "westus", late));
    }

    [Fact]
    public void The_flags_of_the_first_replica_of_a_region_decide_who_pays_egress()
    {
        var document = Documents
            .New(("westus", 2), ("eastus", 2))
            .Complete("westus", 0)
            .Complete("westus", 1)
            .Complete("eastus", 0, "westus", 99)
            .Complete("eastus", 1, "eastus");
        Assert.Equal(
            ["eastus-0"],
            document.Replicas.Values.Where(replica => replica.FirstInRegion).Select(replica => $"{replica.Region}-{replica.Ordinal}")
        );
        Assert.DoesNotContain(document.Replicas.Values, replica => replica.RegionReAdded);
    }

    [Fact]
    public void Freeing_is_retried_until_it_is_done_and_then_forgotten()
    {
        var retired = Documents.Apply(Documents.New(("westus", 1)).CompleteAll(), null);
        var uid = retired.Replicas.Keys.Single();
        var claimed = WorkRules.Claim(retired, uid, Documents.Now, Lease)!;
        var failed = WorkRules.Fail(
            claimed,
            uid,
            claimed.ClaimOf(uid).Token,
            new WorkFailure("no answer", "westus"),
            Documents.Options,
            0.5,
            Documents.Now
        )!;
        Assert.Equal(ReplicaState.Deleting, failed.Replicas[uid].State);
        Assert.Equal(Lane.Free, Schedule.Of(failed, failed.Replicas[uid])!.Value.Lane);
        var again = WorkRules.Claim(failed, uid, Documents.Now.AddHours(10), Lease)!;
        Assert.Null(WorkRules.Freed(again, uid, claimed.ClaimOf(uid).Token, Documents.Now));
        Assert.Empty(WorkRules.Freed(again, uid, again.ClaimOf(uid).Token, Documents.Now)!.Replicas);
    }

    [Fact]
    public void A_worker_that_stops_gives_its_work_back_without_an_attempt()
    {
        var document = Documents.New(("westus", 1));
        var uid = document.Replica("westus", 0).Uid;
        var claimed = WorkRules.Claim(document, uid, Documents.Now, Lease)!;
        claimed.Progress[uid] = new ProgressRecord { Token = 1, CopiedBytes = 77 };
        var released = WorkRules.Release(claimed, uid, 1, Documents.Now)!;
        Assert.Equal(
            (ReplicaState.Queued, 0, 77),
            (released.Replicas[uid].State, released.Replicas[uid].AttemptCount, released.Replicas[uid].CopiedBytes)
        );
        Assert.NotNull(WorkRules.Claim(released, uid, Documents.Now, Lease));
    }
}
