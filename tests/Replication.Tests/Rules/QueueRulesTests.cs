using Gallery.Replication.Tests.Support;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;

namespace Gallery.Replication.Tests.Rules;

public sealed class QueueRulesTests
{
    private static readonly TimeSpan Handicap = TimeSpan.FromSeconds(30);

    [Fact]
    public void Subscriptions_take_turns_however_much_work_one_has()
    {
        var due = Enumerable
            .Range(0, 1000)
            .Select(number => new Candidate("a", Rank.FirstSmall, number, $"a{number:D4}"))
            .Append(new Candidate("b", Rank.FirstSmall, 5000, "b"));
        var order = FairOrder.Of(due, _ => 0, Handicap).Select(candidate => candidate.Member).ToList();
        Assert.Equal(1001, order.Count);
        Assert.Equal(["a0000", "b", "a0001", "a0002"], order.Take(4));
    }

    [Fact]
    public void Whose_turn_was_longest_ago_is_next()
    {
        Candidate[] due = [Of("a"), Of("b"), Of("c")];
        var served = new Dictionary<string, long> { ["a"] = 7, ["b"] = 3 };
        Assert.Equal(
            ["c", "b", "a"],
            FairOrder.Of(due, subscription => served.GetValueOrDefault(subscription), Handicap).Select(candidate => candidate.Subscription)
        );
    }

    [Fact]
    public void First_replicas_and_small_contents_come_first_but_not_for_ever()
    {
        Candidate[] due =
        [
            Of("a", Rank.FurtherLarge, 1_000),
            Of("a", Rank.FurtherSmall, 2_000),
            Of("a", Rank.FirstLarge, 3_000),
            Of("a", Rank.FirstSmall, 4_000),
        ];
        Assert.Equal([Rank.FirstSmall, Rank.FirstLarge, Rank.FurtherSmall, Rank.FurtherLarge], Ranks(due));

        // What has waited for more than the handicap of its rank is not passed over any more.
        due[3] = due[3] with
        {
            Time = 1_000 + (3 * 30_000) + 1,
        };
        Assert.Equal(Rank.FurtherLarge, Ranks(due)[Ranks(due).IndexOf(Rank.FirstSmall) - 1]);

        static List<Rank> Ranks(Candidate[] due) => [.. FairOrder.Of(due, _ => 0, Handicap).Select(candidate => candidate.Rank)];
    }

    [Fact]
    public void The_rank_follows_from_the_size_and_from_what_the_region_has()
    {
        var document = Documents.New(("westus", 2));
        Assert.Equal(Rank.FirstSmall, RankOf(document, 0));
        Assert.Equal(Rank.FurtherSmall, RankOf(document.Complete("westus", 0), 1));
        var large = Documents.Disk();
        large.Content.OccupiedSizeBytes = Schedule.SmallBytes + 1;
        document = Documents.Apply(null, Documents.Desired(targets: [("westus", 2)]) with { Disks = [large] });
        Assert.Equal(Rank.FirstLarge, RankOf(document, 0));
        Assert.Equal(Rank.FurtherLarge, RankOf(document.Complete("westus", 0), 1));
    }

    [Fact]
    public void The_name_of_a_queue_is_read_as_it_was_written()
    {
        foreach (var rank in Enum.GetValues<Rank>())
        {
            Assert.Equal((House.Subscription, rank), VersionKeys.ParseQueueName(VersionKeys.QueueName(House.Subscription, rank)));
        }
    }

    [Fact]
    public async Task Changes_of_a_version_that_come_together_are_written_together_and_each_learns_its_own_outcome()
    {
        var writes = new List<int>();
        var first = new TaskCompletionSource();
        var batches = new ChangeBatches(
            async (_, changes) =>
            {
                writes.Add(changes.Count);
                await first.Task;
                var document = Documents.New(("westus", 1));
                foreach (var change in changes)
                {
                    document = change.Apply(document);
                }

                return document;
            }
        );
        var name = Documents.New(("westus", 1)).Name;
        var one = batches.AddAsync(name, document => document.Clone());
        var two = batches.AddAsync(name, document => document.Clone());
        var none = batches.AddAsync(name, _ => null);
        var broken = batches.AddAsync(name, _ => throw new InvalidOperationException("a defect"));
        first.SetResult();
        Assert.NotNull(await one);
        Assert.NotNull(await two);
        Assert.Null(await none);
        await Assert.ThrowsAsync<InvalidOperationException>(() => broken);
        Assert.Equal([1, 3], writes);
        Assert.NotNull(await batches.AddAsync(name, document => document.Clone())); // Nothing is left behind.
    }

    private static Rank RankOf(VersionDocument document, int ordinal) =>
        Schedule.Of(document, document.Replica("westus", ordinal))!.Value.Rank;

    private static Candidate Of(string subscription, Rank rank = Rank.FirstSmall, long time = 0) =>
        new(subscription, rank, time, $"{subscription}-{rank}");
}
