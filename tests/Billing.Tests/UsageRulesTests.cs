using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Gallery.Billing.Usage;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Billing.Tests;

/// <summary>The records of a replica, whatever comes in whatever order.</summary>
public sealed class UsageRulesTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static Gen<ReplicaChanged> AnyEvent =>
        from state in Gen.Elements(System.Enum.GetValues<ReplicaState>())
        from minute in Gen.Choose(0, 5)
        select Event(state, minute);

    private static Gen<(ReplicaChanged[] Events, ReplicaChanged[] Shuffled)> AnyOrder =>
        from events in Gen.ArrayOf(AnyEvent)
        from again in Gen.SubListOf<ReplicaChanged>(events) // Delivered at least once.
        from shuffled in Gen.Shuffle(events.Concat(again).ToArray())
        select (events, shuffled);

    [Property(MaxTest = 500)]
    public Property The_order_and_repetition_of_events_does_not_matter() =>
        Prop.ForAll(AnyOrder.ToArbitrary(), order => Equals(Fold(order.Events), Fold(order.Shuffled)));

    [Property(MaxTest = 300)]
    public Property The_interval_lies_between_the_first_beginning_and_the_first_end() =>
        Prop.ForAll(
            Gen.ArrayOf(AnyEvent).ToArbitrary(),
            events =>
            {
                var interval = Fold(events);
                var begin = events.Where(each => each.State == ReplicaState.Ready).Select(each => each.Time).Min();
                var end = events.Where(each => each.State is ReplicaState.Deleting or ReplicaState.Deleted).Select(each => each.Time).Min();
                return Equals(interval?.StartTime, begin) && Equals(interval?.EndTime, end);
            }
        );

    [Theory]
    [InlineData(true, "westus", false, 600, 600)]
    [InlineData(true, "westus", true, 600, 250)]
    [InlineData(false, "westus", false, 600, null)]
    [InlineData(true, "eastus", false, 600, null)]
    [InlineData(true, "", false, 600, null)]
    [InlineData(true, "westus", false, 0, 0)]
    public void Egress_is_of_first_copies_across_a_border(bool first, string source, bool again, long occupied, int? billed)
    {
        var change = Event(ReplicaState.Ready, 0);
        change.FirstInRegion = first;
        change.SourceRegion = source;
        change.RegionReAdded = again;
        change.OccupiedSizeBytes = occupied;
        change.TransferredBytes = 250;

        var record = UsageRules.EgressOf("s", change);

        Assert.Equal(billed, record?.BilledBytes);
        Assert.Equal(billed is null ? null : 250, record?.TransferredBytes);
        Assert.Equal(billed is null ? null : occupied, record?.OccupiedSizeBytes);
    }

    [Fact]
    public void Other_states_change_nothing() =>
        Assert.All(
            [ReplicaState.Unspecified, ReplicaState.Queued, ReplicaState.Copying, ReplicaState.Verifying, ReplicaState.Failed],
            state => Assert.Null(UsageRules.Apply(null, Event(state, 0)))
        );

    private static UsageInterval? Fold(IEnumerable<ReplicaChanged> events)
    {
        UsageInterval? interval = null;
        foreach (var change in events)
        {
            interval = UsageRules.Apply(interval, change) ?? interval;
        }

        return interval;
    }

    private static ReplicaChanged Event(ReplicaState state, int minute) =>
        new()
        {
            Name = "v/replicas/eastus-0",
            Uid = "r",
            Version = "v",
            VersionUid = "u",
            Region = "eastus",
            StorageAccountType = StorageAccountType.StandardZrs,
            State = state,
            OccupiedSizeBytes = 600,
            Time = Timestamp.FromDateTimeOffset(Start.AddMinutes(minute)),
        };
}
