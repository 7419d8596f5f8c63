using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Tests.Support;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;

namespace Gallery.Replication.Tests.Rules;

public sealed class ReconciliationTests
{
    [Fact]
    public void A_new_version_gets_a_queued_replica_for_each_region_and_ordinal()
    {
        var document = Documents.New(("westus", 2), ("eastus", 1));
        Assert.Equal(
            ["eastus-0", "westus-0", "westus-1"],
            document.Replicas.Values.Select(replica => $"{replica.Region}-{replica.Ordinal}").Order()
        );
        Assert.All(document.Replicas.Values, replica => Assert.Equal(ReplicaState.Queued, replica.State));
        Assert.Contains($"{Documents.Uid}.westus.1.1", document.Replicas.Keys);
    }

    [Fact]
    public void Applying_the_same_twice_changes_nothing()
    {
        var desired = Documents.Desired(targets: [("westus", 2), ("eastus", 3)]);
        var once = Documents.Apply(null, desired);
        Assert.Same(once, Documents.Apply(once, desired, Documents.Now.AddHours(1)));
    }

    [Fact]
    public void An_older_answer_never_wins()
    {
        var newer = Documents.Apply(Documents.New(("westus", 1)), Documents.Desired(3, targets: [("westus", 2)]));
        Assert.Same(newer, Documents.Apply(newer, Documents.Desired(2, targets: [("westus", 5)])));
    }

    [Fact]
    public void A_lower_count_drops_the_highest_ordinals_and_a_higher_one_makes_new_lives()
    {
        var full = Documents.New(("westus", 3)).CompleteAll();
        var fewer = Documents.Apply(full, Documents.Desired(2, targets: [("westus", 1)]));
        Assert.Equal([0], fewer.WantedIn("westus").Select(replica => replica.Ordinal));
        Assert.Equal(2, fewer.Replicas.Values.Count(replica => replica.State == ReplicaState.Deleting));
        var more = Documents.Apply(fewer, Documents.Desired(3, targets: [("westus", 2)]));
        Assert.Equal($"{Documents.Uid}.westus.1.2", more.Replica("westus", 1).Uid);
        Assert.Equal(4, more.Replicas.Count);
    }

    [Fact]
    public void A_dropped_region_added_again_is_a_new_first_copy()
    {
        var full = Documents.New(("westus", 1), ("eastus", 1)).CompleteAll();
        var dropped = Documents.Apply(full, Documents.Desired(2, targets: [("westus", 1)]));
        var again = Documents.Apply(dropped, Documents.Desired(3, targets: [("westus", 1), ("eastus", 1)]));
        var replica = again.Replica("eastus", 0);
        Assert.Equal($"{Documents.Uid}.eastus.0.2", replica.Uid);
        var ready = again.Complete("eastus", 0, "westus", 4096);
        var told = Assert.Single(again.EventsTo(ready), told => told.ReplicaChanged is not null).ReplicaChanged;
        Assert.True(told.FirstInRegion);
        Assert.True(told.RegionReAdded);
        Assert.Equal(4096, told.TransferredBytes);
    }

    [Fact]
    public void A_new_generation_takes_up_what_was_given_up()
    {
        var failed = Documents.New(("westus", 1)).Fail("westus", 0, new WorkFailure("gone", IsFinal: true));
        Assert.Equal(ReplicaState.Failed, failed.Replica("westus", 0).State);
        var again = Documents.Apply(failed, Documents.Desired(2, targets: [("westus", 1)]));
        Assert.Equal(ReplicaState.Queued, again.Replica("westus", 0).State);
        Assert.Equal(failed.Replica("westus", 0).Uid, again.Replica("westus", 0).Uid);
    }

    [Fact]
    public void A_version_being_deleted_retires_in_one_step_and_tells_it_once()
    {
        var full = Documents.New(("westus", 2), ("eastus", 1)).CompleteAll();
        var retired = Documents.Apply(full, Documents.Desired(2, state: ProvisioningState.Deleting, targets: [("westus", 2)]));
        Assert.Equal(VersionPhase.Retired, retired.Version.Phase);
        var events = full.EventsTo(retired);
        Assert.Equal(3, events.Count(told => told.ReplicaChanged is { State: ReplicaState.Deleting }));
        Assert.Single(events, told => told.VersionRetired is { VersionUid: Documents.Uid });
        Assert.Same(retired, Documents.Apply(retired, Documents.Desired(2, state: ProvisioningState.Deleting)));
        Assert.Same(retired, Documents.Apply(retired, null));
    }

    [Fact]
    public void Another_incarnation_retires_the_first_and_keeps_its_leftovers()
    {
        var old = Documents.New(("westus", 1)).CompleteAll();
        var other = "22222222-2222-2222-2222-222222222222";
        var fresh = Documents.Apply(old, Documents.Desired(1, other, targets: [("westus", 1)]));
        Assert.Equal(2, fresh.Replicas.Count);
        Assert.Equal($"{other}.westus.0.1", fresh.Replica("westus", 0).Uid);
        var events = old.EventsTo(fresh);
        Assert.Single(events, told => told.VersionRetired is { VersionUid: Documents.Uid });
        Assert.Equal(Documents.Uid, Assert.Single(events, told => told.ReplicaChanged is not null).ReplicaChanged.VersionUid);
    }

    [Fact]
    public void Work_on_a_replica_that_is_dropped_is_taken_from_its_worker()
    {
        var document = Documents.New(("westus", 1));
        var uid = document.Replica("westus", 0).Uid;
        var claimed = WorkRules.Claim(document, uid, Documents.Now, TimeSpan.FromSeconds(15))!;
        var dropped = Documents.Apply(claimed, null);
        Assert.Null(
            WorkRules.Complete(
                dropped,
                uid,
                claimed.ClaimOf(uid).Token,
                new CompletedCopy(0, "westus", Documents.Now, Documents.Now),
                Documents.Now
            )
        );
        Assert.True(dropped.ClaimOf(uid).Token > claimed.ClaimOf(uid).Token);
    }

    [Fact]
    public void A_region_that_is_not_of_this_gallery_fails_at_once_with_its_reason()
    {
        var document = Reconciliation.Apply(
            null,
            Documents.Desired(targets: [("westus", 1), ("moon", 2)]),
            region => region == "westus",
            "",
            Documents.Now
        )!;
        Assert.All(
            document.WantedIn("moon"),
            replica => Assert.Equal((ReplicaState.Failed, "moon is not a region of this gallery"), (replica.State, replica.Problem))
        );
        Assert.Equal(ReplicaState.Queued, document.Replica("westus", 0).State);
    }

    [Fact]
    public void A_settled_version_with_a_new_generation_tells_it_at_once()
    {
        var full = Documents.New(("westus", 1), ("eastus", 1)).CompleteAll();
        var next = Documents.Apply(full, Documents.Desired(2, targets: [("westus", 1)]));
        var told = Assert.Single(full.EventsTo(next), told => told.ReplicationStatusChanged is not null).ReplicationStatusChanged;
        Assert.Equal((2, AggregatedReplicationState.Completed), (told.Generation, told.AggregatedState));
    }
}
