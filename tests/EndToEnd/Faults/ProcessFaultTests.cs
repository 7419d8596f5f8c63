using Gallery.Contracts.Common.V1;
using Gallery.TestKit.Suite.Faults;

namespace Gallery.EndToEnd.Faults;

/// <summary>`kill -9` of everybody who takes part in a copy, in the middle of it.</summary>
[Collection("house")]
public sealed class ProcessFaultTests(PublishedHouse house)
{
    private const long MiB = 1024 * 1024;

    [Fact]
    public async Task A_region_that_is_down_says_why_delays_nobody_and_completes_by_itself_when_it_is_back()
    {
        await house.Suite.KillAsync("region-northeurope");
        await using var version = await DisturbedVersion.PublishAsync(house, "2.0.0", 48, "westus=1", "eastus=1", "northeurope=1");

        await version.RowAsync("eastus", row => row.State == RegionalReplicationState.Completed);
        // While an attempt runs there is no time of the next one.
        var row = await version.RowAsync("northeurope", found => found.Details.Length > 0 && found.RetryTime is not null);
        Assert.Equal(RegionalReplicationState.Replicating, row!.State);
        Assert.Contains("northeurope", row.Details, StringComparison.Ordinal);
        Assert.Equal(ProvisioningState.Creating, (await house.VersionAsync("2.0.0")).ProvisioningState);

        await house.Suite.RestartAsync("region-northeurope");
        await version.ConvergesAsync(copies: 2, breaks: 0);
    }

    [Fact]
    public async Task The_target_killed_in_the_middle_goes_on_after_its_restart()
    {
        await using var version = await PublishSlowlyAsync("2.1.0");
        await house.Suite.KillAsync("region-northeurope");
        Assert.NotEqual(RegionalReplicationState.Completed, (await house.RowAsync("2.1.0", "northeurope")).State);
        await house.Suite.RestartAsync("region-northeurope");
        await version.ConvergesAsync(copies: 1, breaks: 1);
    }

    [Fact]
    public async Task The_only_source_killed_in_the_middle_is_waited_for()
    {
        await using var version = await PublishSlowlyAsync("2.2.0");
        await house.Suite.KillAsync("region-westus");
        var row = await version.RowAsync("northeurope", found => found.Details.Length > 0);
        Assert.Contains("westus", row!.Details, StringComparison.Ordinal);
        await house.Suite.RestartAsync("region-westus");
        await version.ConvergesAsync(copies: 1, breaks: 1);
    }

    [Fact]
    public async Task A_source_killed_in_the_middle_is_replaced_by_another_one_that_has_the_bytes()
    {
        await using var version = await DisturbedVersion.PublishAsync(house, "2.3.0", 72, "westus=1", "eastus=1");
        await house.SucceededAsync("2.3.0");
        house.Links.Slow(24 * MiB);
        await version.AddRegionsAsync("northeurope");
        await version.MovingAsync("northeurope");
        var source = await version.SourceOfAsync("northeurope");
        await house.Suite.KillAsync($"region-{source}");

        await version.RowAsync("northeurope", row => row.State == RegionalReplicationState.Completed);
        Assert.NotEqual(source, await version.SourceOfAsync("northeurope"));
        await house.Suite.RestartAsync($"region-{source}");
        await version.ConvergesAsync(copies: 2, breaks: 1);
    }

    [Fact]
    public async Task Replication_killed_in_the_middle_takes_the_work_up_again()
    {
        await using var version = await PublishSlowlyAsync("2.4.0");
        await house.Suite.KillAsync("replication");
        await house.Suite.RestartAsync("replication");
        await version.ConvergesAsync(copies: 1, breaks: 1);
    }

    [Fact]
    public async Task Redis_killed_in_the_middle_forgets_nothing()
    {
        await using var version = await PublishSlowlyAsync("2.5.0");
        await house.Suite.KillAsync("redis");
        await house.Suite.RestartAsync("redis");
        await version.ConvergesAsync(copies: 1, breaks: 1);
    }

    [Fact]
    public async Task After_a_power_cut_everything_goes_on_where_it_was()
    {
        await using var version = await PublishSlowlyAsync("2.6.0");
        house.Suite.KillAll();
        await house.Suite.StartAsync();
        await version.ConvergesAsync(copies: 1, breaks: 1);
    }

    private async Task<DisturbedVersion> PublishSlowlyAsync(string number)
    {
        house.Links.Slow(24 * MiB);
        var version = await DisturbedVersion.PublishAsync(house, number, 72, "westus=1", "northeurope=1");
        await version.MovingAsync("northeurope");
        return version;
    }
}
