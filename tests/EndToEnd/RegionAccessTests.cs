using System.Security.Cryptography;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit;

namespace Gallery.EndToEnd;

/// <summary>A restricted region: asked for, opened, used, closed again.</summary>
[Collection("house")]
public sealed class RegionAccessTests(PublishedHouse house)
{
    private const string Region = "australiacentral";

    [Fact]
    public async Task A_restricted_region_is_opened_by_an_operator_and_closed_again()
    {
        var disk = house.Scratch("restricted.raw");
        await File.WriteAllBytesAsync(disk, RandomNumberGenerator.GetBytes(1 << 20));
        await house.Suite.SucceedAsync("login", "--as", "owner");
        await RefusedAsync(disk, "7.0.0");
        await house.Suite.SucceedAsync("region", "access", "request", Region, "--reason", "customers");

        var operators = new RegionService.RegionServiceClient(await house.Suite.CallAsAsync("operator", "replication"));
        var pending = await operators.ListRegionAccessRequestsAsync(
            new ListRegionAccessRequestsRequest { Parent = "subscriptions/-", State = RegionAccessState.Pending }
        );
        var review = new ReviewRegionAccessRequest { Name = Assert.Single(pending.Requests).Name, Decision = RegionAccessState.Approved };
        await operators.ReviewRegionAccessAsync(review);
        // What Catalog knows of the regions is some seconds old.
        await Eventually.Async(
            async () => (await house.Suite.RunAsync(PublishedHouse.PublishCommand(disk, "7.0.0", Targets("--watch")))).ExitCode == 0,
            what: "the region to be open"
        );
        Assert.Equal(RegionalReplicationState.Completed, (await house.RowAsync("7.0.0", Region)).State);

        (review.Decision, review.Reason) = (RegionAccessState.Revoked, "moved");
        await operators.ReviewRegionAccessAsync(review);
        await Task.Delay(TimeSpan.FromSeconds(3));
        await RefusedAsync(disk, "7.0.1");
        Assert.Equal(RegionalReplicationState.Completed, (await house.RowAsync("7.0.0", Region)).State);
    }

    private static string[] Targets(params string[] more) => ["westus=1", $"{Region}=1", .. more];

    private async Task RefusedAsync(string disk, string version)
    {
        var refused = await house.Suite.RunAsync(PublishedHouse.PublishCommand(disk, version, Targets()));
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("LocationNotAvailableForResourceType", refused.Error, StringComparison.Ordinal);
    }
}
