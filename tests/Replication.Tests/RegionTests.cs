using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Replication.Tests;

public sealed class RegionTests
{
    [Fact]
    public async Task Regions_are_shown_as_they_are_and_their_changes_are_told()
    {
        await using var house = await House.StartAsync();
        var regions = (await house.RegionClient.ListRegionsAsync(new ListRegionsRequest())).Regions;
        Assert.Equal(["westus", "eastus", "northeurope", "australiacentral"], regions.Select(region => region.Name));
        var east = regions[1];
        Assert.Equal(
            ("East US", 3, "North America", RegionState.Up, 10, 1000),
            (east.DisplayName, east.ZoneCount, east.Continent, east.State, east.UsedBytes, east.AvailableBytes)
        );
        Assert.Equal((house["eastus"].Url, RegionAvailability.Unspecified), (east.GrpcUrl, east.Availability));
        Assert.NotNull(east.LastSeenTime);

        house["eastus"].Zones =
        [
            new Zone
            {
                Number = 1,
                Healthy = true,
                AvailableBytes = 5,
            },
            new Zone { Number = 2, Details = "read-only file system" },
        ];
        await Eventually.Async(async () => await house.StateOfAsync("East US") == RegionState.Degraded);
        Assert.Equal("zone 2: read-only file system", (await GetAsync(house, "eastus")).Details);

        await house.TakeDownAsync("eastus");
        Assert.Equal("connection refused", (await GetAsync(house, "EASTUS")).Details);
        house["eastus"].Zones = [new Zone { Number = 1, Healthy = true }];
        await house.BringBackAsync("eastus");
        await Eventually.Async(async () => await house.StateOfAsync("eastus") == RegionState.Up);
        Assert.Equal(["up", "degraded", "down", "up"], (await house.EventsAsync("eastus")).Select(told => told.RegionStateChanged.State));

        house["northeurope"].Pretends = "westus";
        await Eventually.Async(async () => await house.StateOfAsync("northeurope") == RegionState.Down);
        Assert.Contains("serves 'westus'", (await GetAsync(house, "northeurope")).Details, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_restricted_region_takes_a_request_and_an_operators_approval()
    {
        await using var house = await House.StartAsync();
        const string Parent = $"subscriptions/{House.Subscription}";
        Assert.Equal(RegionAvailability.Restricted, (await GetAsync(house, "australiacentral", Parent)).Availability);
        Assert.Equal(RegionAvailability.Available, (await GetAsync(house, "westus", Parent)).Availability);
        var request = new RequestRegionAccessRequest
        {
            Parent = Parent,
            Region = "Australia Central",
            Justification = "customers",
        };
        var pending = (await house.RegionClient.RequestRegionAccessAsync(request)).Request;
        Assert.Equal((RegionAccessState.Pending, $"{Parent}/regionAccessRequests/australiacentral"), (pending.State, pending.Name));
        Assert.Equal(pending, (await house.RegionClient.RequestRegionAccessAsync(request)).Request);

        var review = new ReviewRegionAccessRequest { Name = pending.Name, Decision = RegionAccessState.Denied };
        await Refused.WithAsync(
            () => house.RegionClient.ReviewRegionAccessAsync(review),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        var operators = new RegionService.RegionServiceClient(house.Host.ChannelAs(TestPrincipal.Pipeline));
        Assert.Equal(RegionAccessState.Denied, (await operators.ReviewRegionAccessAsync(review)).Request.State);
        house.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(RegionAccessState.Pending, (await house.RegionClient.RequestRegionAccessAsync(request)).Request.State);
        review.Decision = RegionAccessState.Approved;
        Assert.NotNull((await operators.ReviewRegionAccessAsync(review)).Request.ReviewTime);
        Assert.Equal(RegionAvailability.Available, (await GetAsync(house, "australiacentral", Parent)).Availability);
        var listed = await house.RegionClient.ListRegionAccessRequestsAsync(new ListRegionAccessRequestsRequest { Parent = Parent });
        Assert.Equal(RegionAccessState.Approved, Assert.Single(listed.Requests).State);
    }

    [Fact]
    public async Task A_region_being_drained_takes_nothing_new_until_it_is_back_in_use()
    {
        await using var house = await House.StartAsync();
        var operators = new RegionService.RegionServiceClient(house.Host.ChannelAs(TestPrincipal.Pipeline));
        await Refused.WithAsync(
            () => house.RegionClient.DrainRegionAsync(new DrainRegionRequest { Name = "eastus" }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        var before = await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 1));
        await house.UntilCompletedAsync(before.Name);
        Assert.Equal(RegionState.Draining, (await operators.DrainRegionAsync(new DrainRegionRequest { Name = "eastus" })).Region.State);
        await operators.DrainRegionAsync(new DrainRegionRequest { Name = "eastus" });

        await Refused.WithAsync(
            () =>
                house.Placement.PlaceDeploymentAsync(
                    new PlaceDeploymentRequest
                    {
                        Image = before.Name,
                        Region = "eastus",
                        MachineCount = 1,
                    }
                ),
            StatusCode.Unavailable,
            ErrorReason.RegionUnavailable
        );
        var version = await house.PublishAsync("2.0.0", ("westus", 1), ("eastus", 1));
        var status = await house.UntilAsync(
            version.Name,
            status => status.Summary.Count == 2 && status.Summary[1].Details.Length > 0 && status.Summary[0].Progress == 100
        );
        Assert.Contains("being drained", status.Summary[1].Details, StringComparison.Ordinal);
        Assert.Equal(RegionState.Up, (await operators.UndrainRegionAsync(new UndrainRegionRequest { Name = "eastus" })).Region.State);
        await house.UntilCompletedAsync(version.Name);
    }

    [Fact]
    public async Task Wrong_requests_about_regions_are_refused()
    {
        await using var house = await House.StartAsync();
        var unknown = await Refused.WithAsync(
            () => house.RegionClient.GetRegionAsync(new GetRegionRequest { Name = "atlantis" }),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        Assert.Contains("westus, eastus", unknown.Message, StringComparison.Ordinal);
        await Refused.WithAsync(
            () => house.RegionClient.GetRegionAsync(new GetRegionRequest()),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => house.RegionClient.GetRegionAsync(new GetRegionRequest { Name = new string('x', 5000) }),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        await Refused.WithAsync(
            () => house.RegionClient.ListRegionsAsync(new ListRegionsRequest { Subscription = "x" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () =>
                house.RegionClient.ListRegionsAsync(
                    new ListRegionsRequest { Subscription = $"subscriptions/{TestPrincipal.SubscriptionB}" }
                ),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        await Refused.WithAsync(
            () =>
                house.RegionClient.RequestRegionAccessAsync(
                    new RequestRegionAccessRequest { Parent = $"subscriptions/{House.Subscription}", Region = "westus" }
                ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () =>
                house.RegionClient.ReviewRegionAccessAsync(
                    new ReviewRegionAccessRequest { Name = "x", Decision = RegionAccessState.Approved }
                ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        var catalog = new RegionService.RegionServiceClient(house.Host.ChannelAsService("catalog"));
        Assert.Equal(
            4,
            (await catalog.ListRegionsAsync(new ListRegionsRequest { Subscription = $"subscriptions/{TestPrincipal.SubscriptionB}" }))
                .Regions
                .Count
        );
        await Refused.WithAsync(
            () => new RegionService.RegionServiceClient(house.Host.AnonymousChannel()).ListRegionsAsync(new ListRegionsRequest()),
            StatusCode.Unauthenticated,
            ErrorReason.AuthenticationFailed
        );
    }

    private static async Task<Gallery.Contracts.Replication.V1.Region> GetAsync(House house, string name, string subscription = "") =>
        (await house.RegionClient.GetRegionAsync(new GetRegionRequest { Name = name, Subscription = subscription })).Region;
}
