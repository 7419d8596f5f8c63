using Gallery.Contracts.Common.V1;
using Gallery.TestKit.Suite.Faults;

namespace Gallery.EndToEnd.Faults;

/// <summary>Regions whose processes are well and whose network is not.</summary>
[Collection("house")]
public sealed class NetworkFaultTests(PublishedHouse house)
{
    private const long MiB = 1024 * 1024;

    [Fact]
    public async Task A_region_that_falls_silent_delays_nobody_and_says_so()
    {
        // Calls to it neither fail nor come back.
        house.Links["northeurope"].Silence();
        await using var version = await DisturbedVersion.PublishAsync(house, "3.0.0", 48, "westus=1", "eastus=1", "northeurope=1");
        await version.RowAsync("eastus", row => row.State == RegionalReplicationState.Completed);
        var row = await version.RowAsync("northeurope", found => found.Details.Length > 0);
        Assert.Equal(RegionalReplicationState.Replicating, row!.State);
        Assert.Contains("northeurope", row.Details, StringComparison.Ordinal);

        house.Links["northeurope"].Restore();
        await version.ConvergesAsync(copies: 2, breaks: 1);
    }

    [Fact]
    public async Task A_source_that_falls_silent_in_the_middle_is_replaced_by_another_one()
    {
        await using var version = await DisturbedVersion.PublishAsync(house, "3.1.0", 72, "westus=1", "eastus=1");
        await house.SucceededAsync("3.1.0");
        house.Links.Slow(24 * MiB);
        await version.AddRegionsAsync("northeurope");
        await version.MovingAsync("northeurope");
        var source = await version.SourceOfAsync("northeurope");
        house.Links[source].Silence();

        await version.RowAsync("northeurope", row => row.State == RegionalReplicationState.Completed);
        Assert.NotEqual(source, await version.SourceOfAsync("northeurope"));
        house.Links.Restore();
        await version.ConvergesAsync(copies: 2, breaks: 1);
    }

    [Fact]
    public async Task A_slow_region_takes_its_time_and_no_one_elses()
    {
        // Each answer of the node takes a while, as over a bad line to the other side of the world.
        house.Links["northeurope"].Slow(256 * 1024, TimeSpan.FromMilliseconds(300));
        await using var version = await DisturbedVersion.PublishAsync(house, "3.2.0", 24, "westus=1", "eastus=1", "northeurope=1");
        await version.RowAsync("eastus", row => row.State == RegionalReplicationState.Completed);
        await version.ConvergesAsync(copies: 2, breaks: 0);
        // Slow is not down.
        Assert.All(version.Watcher.RowsOf("northeurope"), row => Assert.Equal("", row.Details));
    }

    [Fact]
    public async Task A_flapping_source_is_outlasted_and_every_block_moves_once()
    {
        const int cuts = 6;
        house.Links.Slow(16 * MiB);
        await using var version = await DisturbedVersion.PublishAsync(house, "3.3.0", 72, "westus=1", "northeurope=1");
        for (var cut = 0; cut < cuts; cut++)
        {
            await Task.Delay(700);
            house.Links["westus"].Close();
            await Task.Delay(200);
            house.Links["westus"].Restore();
            house.Links["westus"].Slow(16 * MiB);
        }

        await version.ConvergesAsync(copies: 1, breaks: cuts);
    }

    [Fact]
    public async Task A_flapping_target_is_outlasted_and_every_block_moves_once()
    {
        house.Links.Slow(16 * MiB);
        await using var version = await DisturbedVersion.PublishAsync(house, "3.4.0", 72, "westus=1", "northeurope=1");
        for (var cut = 0; cut < 6; cut++)
        {
            await Task.Delay(700);
            house.Links["northeurope"].Close();
            await Task.Delay(200);
            house.Links["northeurope"].Restore();
        }

        // The pull itself runs between the nodes: losing sight of it is no reason to begin again.
        await version.ConvergesAsync(copies: 1, breaks: 1);
    }
}
