using Gallery.Contracts.Common.V1;
using Gallery.TestKit;
using Gallery.TestKit.Suite;

namespace Gallery.EndToEnd;

[Collection("house")]
public sealed class FaultTests(PublishedHouse house)
{
    private const long MiB = 1024 * 1024;

    [Fact]
    public async Task A_region_that_is_down_says_why_delays_nobody_and_completes_by_itself_when_it_is_back()
    {
        var disk = await NewDiskAsync("down.raw", 3);
        house.Suite.Kill("region-brazilsouth");
        await house.Suite.SucceedAsync(PublishedHouse.PublishCommand(disk, "2.0.0", "westus=1", "eastus=1", "brazilsouth=1"));

        await Eventually.Async(
            async () => (await house.RowAsync("2.0.0", "eastus")).State == RegionalReplicationState.Completed,
            TimeSpan.FromSeconds(60)
        );
        var row = await Eventually.GetAsync(
            () => house.RowAsync("2.0.0", "brazilsouth"),
            // While an attempt runs there is no time of the next one.
            found => found.Details.Length > 0 && found.RetryTime is not null,
            TimeSpan.FromSeconds(30)
        );
        Assert.Equal(RegionalReplicationState.Replicating, row.State);
        Assert.Contains("brazilsouth", row.Details, StringComparison.Ordinal);
        Assert.Equal(ProvisioningState.Creating, (await house.VersionAsync("2.0.0")).ProvisioningState);

        await house.Suite.RestartAsync("region-brazilsouth");
        await Eventually.Async(
            async () => (await house.VersionAsync("2.0.0")).ProvisioningState == ProvisioningState.Succeeded,
            TimeSpan.FromSeconds(90)
        );
        row = await house.RowAsync("2.0.0", "brazilsouth");
        Assert.Equal((RegionalReplicationState.Completed, 100, ""), (row.State, row.Progress, row.Details));
        await DownloadsEqualAsync(disk, "2.0.0", "brazilsouth");
    }

    [Fact]
    public async Task A_region_killed_in_the_middle_of_a_pull_goes_on_after_its_restart_and_moves_no_block_twice()
    {
        var disk = await NewDiskAsync("killed.raw", 4);
        await house.Suite.SucceedAsync(PublishedHouse.PublishCommand(disk, "2.1.0", "westus=1", "northeurope=1"));
        await Eventually.Async(
            async () => (await house.RowAsync("2.1.0", "northeurope")).Progress is > 10 and < 90,
            TimeSpan.FromSeconds(60)
        );
        house.Suite.Kill("region-northeurope");
        Assert.NotEqual(RegionalReplicationState.Completed, (await house.RowAsync("2.1.0", "northeurope")).State);

        await house.Suite.RestartAsync("region-northeurope");
        await Eventually.Async(
            async () => (await house.VersionAsync("2.1.0")).ProvisioningState == ProvisioningState.Succeeded,
            TimeSpan.FromSeconds(90)
        );
        var occupied = (await house.VersionAsync("2.1.0")).OccupiedSizeBytes;
        // What was in flight when the process died may cross again.
        Assert.InRange((await house.RowAsync("2.1.0", "northeurope")).TransferredBytes, 1, occupied + (64 * MiB));
        await DownloadsEqualAsync(disk, "2.1.0", "northeurope");
    }

    private async Task<string> NewDiskAsync(string name, int seed)
    {
        var disk = house.Scratch(name);
        await DiskImage.CreateFileSystemAsync(disk, 1024 * MiB, 384 * MiB, seed);
        return disk;
    }

    private async Task DownloadsEqualAsync(string disk, string version, string region)
    {
        var copy = house.Scratch($"{region}-{version}.raw");
        await house.Suite.SucceedAsync(
            "content",
            "download",
            "--version",
            $"{PublishedHouse.Definition}/versions/{version}",
            "--region",
            region,
            "--out",
            copy
        );
        Assert.Null(DiskImage.FirstDifference(disk, copy));
        File.Delete(copy);
        File.Delete(disk);
    }
}
