using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit;
using Gallery.TestKit.Suite.Faults;

namespace Gallery.EndToEnd.Faults;

/// <summary>Disks that rot and disks that are full.</summary>
[Collection("house")]
public sealed class StorageFaultTests(PublishedHouse house)
{
    [Fact]
    public async Task A_zone_whose_blocks_have_rotted_is_made_up_for_by_the_others()
    {
        var rot = new DiskRot(house.Suite, "eastus");
        await using var version = await DisturbedVersion.PublishAsync(house, "5.0.0", 24, "westus=1", "eastus=1:Standard_ZRS");
        await house.SucceededAsync("5.0.0");
        Assert.InRange(rot.Spoil(zone: 1, "zrs-000"), 24 * 16, int.MaxValue);

        // The only source that answers has the damaged zone.
        await house.Suite.KillAsync("region-westus");
        await version.AddRegionsAsync("northeurope");
        await version.RowAsync("northeurope", row => row.State == RegionalReplicationState.Completed);
        await house.Suite.RestartAsync("region-westus");
        // What had rotted was sent before it was seen to be so, and then taken from another zone.
        await version.ConvergesAsync(copies: 2, breaks: 2);
    }

    [Fact]
    public async Task A_source_whose_blocks_have_rotted_passes_none_of_them_on()
    {
        var rot = new DiskRot(house.Suite, "westus");
        await using var version = await DisturbedVersion.PublishAsync(house, "5.1.0", 24, "westus=1", "eastus=1");
        await house.SucceededAsync("5.1.0");
        Assert.InRange(rot.Spoil(zone: 1, "lrs-000"), 24 * 16, int.MaxValue);
        Assert.InRange(rot.Spoil(zone: 1, "snapshots"), 24 * 16, int.MaxValue);

        await version.AddRegionsAsync("northeurope");
        await version.RowAsync("northeurope", row => row.State == RegionalReplicationState.Completed, seconds: 60);
        Assert.Equal("eastus", await version.SourceOfAsync("northeurope"));
        await version.DownloadsEqualAsync("northeurope");
        await version.DownloadsEqualAsync("eastus");

        // It has its own blocks back from another region before long, and until then it refuses rather than give a wrong byte.
        await version.HealsAsync("westus");
        Assert.Empty(version.Watcher.Contradictions);
    }

    [Fact]
    public async Task A_zone_that_is_away_is_lived_without_and_filled_up_when_it_is_back()
    {
        var zone = Path.Combine(house.Suite.DataPath, "regions", "eastus", "zone2");
        await using var before = await DisturbedVersion.PublishAsync(house, "5.3.0", 24, "westus=1", "eastus=1:Standard_ZRS");
        await house.SucceededAsync("5.3.0");
        Directory.Move(zone, $"{zone}.away");
        await File.WriteAllTextAsync(zone, "Not a folder.");
        // Files that were open stay so in a folder that was moved away: the node notices when it looks the next time.
        await ZoneIsKnownToBeAwayAsync("eastus", number: 2);
        await using var meanwhile = await DisturbedVersion.PublishAsync(house, "5.3.1", 24, "westus=1", "eastus=1:Standard_ZRS");
        try
        {
            await before.DownloadsEqualAsync("eastus");
            var row = await meanwhile.RowAsync("eastus", found => found.Details.Length > 0);
            Assert.Equal(RegionalReplicationState.Replicating, row!.State);
            Assert.Contains("zone", row.Details, StringComparison.OrdinalIgnoreCase);
        }
        finally
        {
            File.Delete(zone);
            Directory.Move($"{zone}.away", zone);
        }

        await meanwhile.ConvergesAsync(copies: 1, breaks: 4);
        await before.DownloadsEqualAsync("eastus");
        Assert.Empty(before.Watcher.Contradictions);
    }

    [Fact]
    public async Task A_region_without_room_says_so_delays_nobody_and_goes_on_when_there_is_room_again()
    {
        const string small = PublishedHouse.SmallRegion;
        await using var first = await DisturbedVersion.PublishAsync(house, "5.2.0", 48, "westus=1", $"{small}=1");
        await house.SucceededAsync("5.2.0");
        await using var second = await DisturbedVersion.PublishAsync(house, "5.2.1", 48, "westus=1", "northeurope=1", $"{small}=1");
        await second.RowAsync("northeurope", row => row.State == RegionalReplicationState.Completed);
        var row = await second.RowAsync(small, found => found.Details.Contains("no room", StringComparison.Ordinal));
        Assert.Equal(RegionalReplicationState.Replicating, row!.State);
        Assert.Equal(ProvisioningState.Creating, (await house.VersionAsync("5.2.1")).ProvisioningState);
        await first.DownloadsEqualAsync(small);

        await house.Suite.SucceedAsync("version", "delete", first.Name);
        await house.SucceededAsync("5.2.1");
        await second.DownloadsEqualAsync(small);
        Assert.Empty(second.Watcher.Contradictions);
        await house.Suite.SucceedAsync("version", "delete", second.Name);
    }

    private async Task ZoneIsKnownToBeAwayAsync(string region, int number)
    {
        var regions = new RegionService.RegionServiceClient(await house.Suite.CallAsAsync("owner", "replication"));
        await Eventually.Async(
            async () =>
            {
                var found = (await regions.GetRegionAsync(new GetRegionRequest { Name = region })).Region;
                return found.Zones.Any(zone => zone.Number == number && !zone.Healthy);
            },
            TimeSpan.FromSeconds(30)
        );
    }
}
