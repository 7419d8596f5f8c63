using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Replication.Audit;
using Gallery.Replication.Status;
using Gallery.Replication.Tests.Support;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;
using Google.Protobuf.WellKnownTypes;
using V1 = Gallery.Contracts.Common.V1;

namespace Gallery.Replication.Tests.Rules;

public sealed class AuditRulesTests
{
    private static readonly DateTimeOffset Later = Documents.Now.AddDays(1);

    [Fact]
    public void What_a_node_took_out_of_service_is_queued_with_the_reason_and_not_served()
    {
        var ready = Documents.New(("westus", 1), ("eastus", 1)).CompleteAll();
        var told = new NodeReplica
        {
            State = NodeReplicaState.Damaged,
            Details = "its block is damaged.",
            CopiedBytes = 5,
        };
        var after = AuditRules.Compare(ready, Uid(ready), told, Documents.Now)!;
        var replica = after.Replica("eastus", 0);
        Assert.Equal(ReplicaState.Queued, replica.State);
        Assert.Equal("eastus has taken it out of service: its block is damaged", replica.Problem);
        Assert.NotNull(Schedule.Of(after, replica));
        var row = StatusRules.TargetRows(after, Documents.Now).Last();
        Assert.Equal(V1.RegionalReplicationState.Replicating, row.State);
        Assert.Contains("its block is damaged", row.Details, StringComparison.Ordinal);

        // Repaired, it is ready again, and the word of it is what billing knows already.
        var repaired = after.Complete("eastus", 0, transferred: 7);
        Assert.Equal(ReplicaState.Ready, repaired.Replica("eastus", 0).State);
        Assert.Empty(repaired.Replica("eastus", 0).Problem);
        Assert.Equal(ready.Replica("eastus", 0).ReadyTime, repaired.Replica("eastus", 0).ReadyTime);
    }

    [Fact]
    public void What_a_node_does_not_know_is_made_anew()
    {
        var ready = Documents.New(("westus", 1), ("eastus", 1)).CompleteAll();
        var after = AuditRules.Compare(ready, Uid(ready), told: null, Later)!;
        Assert.Equal(
            (ReplicaState.Queued, 0L, "eastus has lost it"),
            (after.Replica("eastus", 0).State, after.Replica("eastus", 0).CopiedBytes, after.Replica("eastus", 0).Problem)
        );
    }

    [Fact]
    public void A_later_check_is_taken_over_and_an_earlier_one_is_not()
    {
        var ready = Documents.New(("westus", 1), ("eastus", 1)).CompleteAll();
        var told = new NodeReplica { State = NodeReplicaState.Ready, LastVerifiedTime = Timestamp.FromDateTimeOffset(Later) };
        var after = AuditRules.Compare(ready, Uid(ready), told, Later)!;
        Assert.Equal(told.LastVerifiedTime, after.Replica("eastus", 0).LastVerifiedTime);
        Assert.Equal(ReplicaState.Ready, after.Replica("eastus", 0).State);
        Assert.Null(AuditRules.Compare(after, Uid(ready), told, Later));
        told.LastVerifiedTime = Timestamp.FromDateTimeOffset(Documents.Now.AddDays(-1));
        Assert.Null(AuditRules.Compare(after, Uid(ready), told, Later));
    }

    [Fact]
    public void Only_what_counts_as_ready_is_compared()
    {
        var document = Documents.New(("eastus", 1));
        Assert.Null(AuditRules.Compare(document, Uid(document), told: null, Later));
        Assert.Null(AuditRules.Compare(document, "unknown", told: null, Later));
    }

    private static string Uid(VersionDocument document) => document.Replica("eastus", 0).Uid;
}
