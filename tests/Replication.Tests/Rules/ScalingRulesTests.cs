using Gallery.Replication.Records;
using Gallery.Replication.Scaling;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Tests.Rules;

public sealed class ScalingRulesTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    // wanted, leased, unmet, occupied, minutes of surplus (-1: none yet) -> count, whether the surplus goes on
    [Theory]
    [InlineData(2, 0, 0, 0, -1, 2, false)] // The least is enough.
    [InlineData(2, 40, 0, 2, -1, 2, false)]
    [InlineData(2, 41, 0, 2, -1, 3, false)]
    [InlineData(2, 35, 30, 2, -1, 4, false)] // Those who did not fit count.
    [InlineData(2, 40, 1000, 2, -1, 8, false)] // No more than the most.
    [InlineData(5, 30, 0, 2, -1, 5, true)] // Fewer would do: the delay begins,
    [InlineData(5, 30, 0, 2, 9, 5, true)] // goes on,
    [InlineData(5, 30, 0, 2, 10, 2, false)] // and is over.
    [InlineData(5, 30, 0, 4, 10, 4, true)] // Machines are on the fourth: it stays, and will go as soon as they have.
    [InlineData(5, 30, 0, 5, 20, 5, true)]
    [InlineData(5, 90, 0, 5, 9, 5, false)] // All are needed again.
    [InlineData(10, 0, 0, 10, 10, 10, true)] // Above the most, but in use.
    [InlineData(10, 190, 0, 9, 10, 9, true)]
    [InlineData(1, 0, 0, 0, -1, 2, false)] // Below the least.
    public void The_count_follows_the_load(int wanted, int leased, int unmet, int occupied, int surplusMinutes, int count, bool surplus)
    {
        var region = new RegionRecord
        {
            WantedCount = wanted,
            Scaling = new ScalingRecord
            {
                MinCount = 2,
                MaxCount = 8,
                ShrinkDelay = Duration.FromTimeSpan(TimeSpan.FromMinutes(10)),
                SurplusSinceTime = surplusMinutes < 0 ? null : Timestamp.FromDateTimeOffset(Now.AddMinutes(-surplusMinutes)),
            },
        };
        var decided = ScalingRules.Decide(region, new ReplicaDemand(leased, unmet, occupied), 20, Now);
        Assert.Equal((count, surplus), (decided.Count, decided.SurplusSince is not null));
    }
}
