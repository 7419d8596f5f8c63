using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.ServiceDefaults.Errors;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
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
        house["eastus"].Zones =
        [
            new Zone
            {
                Number = 1,
                Healthy = true,
                UsedBytes = 7,
                AvailableBytes = 5,
            },
        ];
        await house.BringBackAsync("eastus");
        await Eventually.Async(async () => await house.StateOfAsync("eastus") == RegionState.Up);
        var told = (await house.EventsAsync("eastus")).Select(each => each.RegionStateChanged).ToList();
        Assert.Equal(["up", "degraded", "down", "up"], told.Select(each => each.State));
        Assert.Equal(["", "zone 2: read-only file system", "connection refused", ""], told.Select(each => each.Details));
        var zone = Assert.Single((await GetAsync(house, "eastus")).Zones);
        Assert.Equal((1, true, 7, 5), (zone.Number, zone.Healthy, zone.UsedBytes, zone.AvailableBytes));
        Assert.NotNull((await GetAsync(house, "eastus")).StateTime);

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

        Assert.Equal(TestPrincipal.Owner.ObjectId, pending.Requester.ObjectId);
        var review = new ReviewRegionAccessRequest
        {
            Name = pending.Name,
            Decision = RegionAccessState.Denied,
            Reason = "no room",
        };
        await Refused.WithAsync(
            () => house.RegionClient.ReviewRegionAccessAsync(review),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        var operators = new RegionService.RegionServiceClient(house.Host.ChannelAs(TestPrincipal.Pipeline));
        var denied = (await operators.ReviewRegionAccessAsync(review)).Request;
        Assert.Equal((RegionAccessState.Denied, "no room"), (denied.State, denied.ReviewReason));
        Assert.Equal(TestPrincipal.Pipeline.ObjectId, denied.Reviewer.ObjectId);
        house.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(RegionAccessState.Pending, (await house.RegionClient.RequestRegionAccessAsync(request)).Request.State);
        review.Decision = RegionAccessState.Approved;
        Assert.NotNull((await operators.ReviewRegionAccessAsync(review)).Request.ReviewTime);
        Assert.Equal(RegionAvailability.Available, (await GetAsync(house, "australiacentral", Parent)).Availability);
        var listed = await house.RegionClient.ListRegionAccessRequestsAsync(new ListRegionAccessRequestsRequest { Parent = Parent });
        Assert.Equal(RegionAccessState.Approved, Assert.Single(listed.Requests).State);
        Assert.Equal(
            ["pending", "denied", "pending", "approved"],
            (await house.EventsAsync(pending.Name)).Select(told => told.RegionAccessChanged.State)
        );
    }

    [Fact]
    public async Task An_approval_ends_by_itself_or_is_taken_back()
    {
        await using var house = await House.StartAsync();
        const string Parent = $"subscriptions/{House.Subscription}";
        var request = new RequestRegionAccessRequest { Parent = Parent, Region = "australiacentral" };
        var name = (await house.RegionClient.RequestRegionAccessAsync(request)).Request.Name;
        var operators = new RegionService.RegionServiceClient(house.Host.ChannelAs(TestPrincipal.Pipeline));
        var approval = new ReviewRegionAccessRequest
        {
            Name = name,
            Decision = RegionAccessState.Approved,
            ExpireTime = Timestamp.FromDateTimeOffset(house.Time.GetUtcNow().AddDays(1)),
        };
        Assert.Equal(approval.ExpireTime, (await operators.ReviewRegionAccessAsync(approval)).Request.ExpireTime);
        await MayUseAsync(house, "s1");

        house.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(RegionAvailability.Restricted, (await GetAsync(house, "australiacentral", Parent)).Availability);
        await Refused.WithAsync(
            () => CreateSnapshotAsync(house, "s2"),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        Assert.Equal(RegionAccessState.Expired, (await ListAsync(operators, "subscriptions/-")).Single().State);
        var revoke = new ReviewRegionAccessRequest
        {
            Name = name,
            Decision = RegionAccessState.Revoked,
            Reason = "moved",
        };
        await Refused.WithAsync(() => operators.ReviewRegionAccessAsync(revoke), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);

        Assert.Equal(RegionAccessState.Pending, (await house.RegionClient.RequestRegionAccessAsync(request)).Request.State);
        approval.ExpireTime = null;
        Assert.Null((await operators.ReviewRegionAccessAsync(approval)).Request.ExpireTime);
        await MayUseAsync(house, "s2");
        Assert.Equal(RegionAccessState.Revoked, (await operators.ReviewRegionAccessAsync(revoke)).Request.State);
        Assert.Equal(RegionAccessState.Revoked, (await operators.ReviewRegionAccessAsync(revoke)).Request.State);
        await Refused.WithAsync(
            () => CreateSnapshotAsync(house, "s3"),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
    }

    [Fact]
    public async Task Operators_see_the_requests_of_all_subscriptions_newest_first()
    {
        await using var house = await House.StartAsync();
        var other = new RegionService.RegionServiceClient(house.Host.ChannelAs(TestPrincipal.OtherOwner));
        var operators = new RegionService.RegionServiceClient(house.Host.ChannelAs(TestPrincipal.Pipeline));
        foreach (var (client, subscription) in new[] { (house.RegionClient, House.Subscription), (other, TestPrincipal.SubscriptionB) })
        {
            await client.RequestRegionAccessAsync(
                new RequestRegionAccessRequest { Parent = $"subscriptions/{subscription}", Region = "australiacentral" }
            );
            house.Time.Advance(TimeSpan.FromMinutes(1));
        }

        var all = await ListAsync(operators, "subscriptions/-");
        Assert.Equal([TestPrincipal.SubscriptionB, House.Subscription], all.Select(request => request.Name.Split('/')[1]));
        var first = await operators.ListRegionAccessRequestsAsync(
            new ListRegionAccessRequestsRequest { Parent = "subscriptions/-", PageSize = 1 }
        );
        var second = await operators.ListRegionAccessRequestsAsync(
            new ListRegionAccessRequestsRequest
            {
                Parent = "subscriptions/-",
                PageSize = 1,
                PageToken = first.NextPageToken,
            }
        );
        Assert.Equal(all, first.Requests.Concat(second.Requests));
        Assert.Equal("", second.NextPageToken);
        Assert.Empty(await ListAsync(operators, "subscriptions/-", RegionAccessState.Approved));
        await Refused.WithAsync(
            () => ListAsync(house.RegionClient, "subscriptions/-"),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }

    [Fact]
    public async Task The_ways_between_regions_are_measured_shown_and_used()
    {
        await using var house = await House.StartAsync();
        house["eastus"].OnMeasure = peer => new PeerLink
        {
            Region = peer.Region,
            Reachable = peer.Region != "australiacentral",
            Details = peer.Region == "australiacentral" ? "no answer in time" : "",
            RoundTripMicros = peer.Region == "northeurope" ? 2_000 : 90_000,
            BytesPerSecond = 5 << 20,
            ThroughputTime = Timestamp.FromDateTimeOffset(house.Time.GetUtcNow()),
        };
        var links = await Eventually.GetAsync(
            async () =>
                (await house.RegionClient.ListRegionLinksAsync(new ListRegionLinksRequest { Region = "East US" }))
                    .Links.Where(link => link.TargetRegion == "eastus")
                    .ToList(),
            links => links.Count == 3 && links[0].BytesPerSecond > 0 && links[0].RoundTripMicros > 50_000,
            what: "the links to eastus"
        );
        Assert.Equal(["westus", "northeurope", "australiacentral"], links.Select(link => link.SourceRegion));
        Assert.Equal((false, "no answer in time"), (links[2].Reachable, links[2].Details));

        // Europe is nearer to eastus than the other end of its own continent, as measured.
        var version = await house.PublishAsync("1.0.0", ("westus", 1), ("northeurope", 1));
        await house.UntilCompletedAsync(version.Name);
        await house.RetargetAsync(version.Name, ("westus", 1), ("northeurope", 1), ("eastus", 1));
        await house.UntilAsync(version.Name, status => status.Summary.Count == 3 && status.Summary.All(row => row.Progress == 100));
        var sources = house["eastus"].Pulls.Single().Sources;
        Assert.Equal(["northeurope", "westus"], sources.Select(source => source.Region));
        Assert.Equal(5 << 20, sources[0].Remote.LinkBytesPerSecond);

        house.Time.Advance(TimeSpan.FromHours(2));
        house["eastus"].OnMeasure = peer => new PeerLink { Region = peer.Region, Details = "gone" };
        await Eventually.Async(async () =>
            (await house.RegionClient.ListRegionLinksAsync(new ListRegionLinksRequest())).Links.Any(link =>
                link is { TargetRegion: "eastus", SourceRegion: "westus", Reachable: false, RoundTripMicros: 0, BytesPerSecond: 0 }
            )
        );
    }

    [Fact]
    public async Task A_region_that_answers_and_gives_no_bytes_is_degraded()
    {
        await using var house = await House.StartAsync(("Work:RetryBaseDelay", "00:00:00"), ("RegionMonitor:FaultLimit", "2"));
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        await house.UntilCompletedAsync(version.Name);
        var attempts = 0;
        house["eastus"].OnPull = _ =>
            Interlocked.Increment(ref attempts) > 3
                ? Task.CompletedTask
                : throw GalleryError.Create(
                    StatusCode.NotFound,
                    ErrorReason.ContentNotFound,
                    "The node of westus says: nothing there.",
                    new Dictionary<string, string> { ["source"] = "westus" }
                );
        await house.RetargetAsync(version.Name, ("westus", 1), ("eastus", 1));
        await Eventually.Async(async () => await house.StateOfAsync("westus") == RegionState.Degraded);
        var region = await GetAsync(house, "westus");
        Assert.InRange(region.RecentFailureCount, 2, 3);
        Assert.Contains("copying from it to eastus: The node of westus says: nothing there", region.Details, StringComparison.Ordinal);
        await house.UntilAsync(version.Name, status => status.Summary.Count == 2 && status.Summary.All(row => row.Progress == 100));

        house.Time.Advance(TimeSpan.FromMinutes(2));
        await Eventually.Async(async () => await house.StateOfAsync("westus") == RegionState.Up);
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
        var lease = (
            await house.Placement.PlaceDeploymentAsync(
                new PlaceDeploymentRequest
                {
                    Image = before.Name,
                    Region = "eastus",
                    MachineCount = 1,
                }
            )
        ).Leases.Single();
        var drained = (await operators.DrainRegionAsync(new DrainRegionRequest { Name = "eastus" })).Region;
        Assert.Equal((RegionState.Draining, "being drained"), (drained.State, drained.Details));
        drained = (await operators.DrainRegionAsync(new DrainRegionRequest { Name = "eastus", Reason = "new disks" })).Region;
        Assert.Equal(("being drained: new disks", "new disks"), (drained.Details, drained.DrainReason));
        Assert.NotNull(drained.StateTime);
        // What is served goes on.
        await house.Placement.RenewLeaseAsync(new RenewLeaseRequest { Name = lease.Name });

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
        Assert.Contains("being drained: new disks", status.Summary[1].Details, StringComparison.Ordinal);
        Assert.Single(house["eastus"].Pulls);
        Assert.Equal(RegionState.Up, (await operators.UndrainRegionAsync(new UndrainRegionRequest { Name = "eastus" })).Region.State);
        await house.UntilCompletedAsync(version.Name);
    }

    [Fact]
    public async Task Wrong_requests_about_regions_are_refused()
    {
        const string Request = $"subscriptions/{House.Subscription}/regionAccessRequests/australiacentral";
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
        foreach (
            var wrong in new[]
            {
                new ReviewRegionAccessRequest { Name = Request, Decision = RegionAccessState.Denied },
                new ReviewRegionAccessRequest
                {
                    Name = Request,
                    Decision = RegionAccessState.Pending,
                    Reason = "x",
                },
                new ReviewRegionAccessRequest
                {
                    Name = Request,
                    Decision = RegionAccessState.Approved,
                    ExpireTime = new Timestamp { Seconds = long.MaxValue },
                },
                new ReviewRegionAccessRequest
                {
                    Name = Request,
                    Decision = RegionAccessState.Approved,
                    Reason = new string('x', 2000),
                },
            }
        )
        {
            await Refused.WithAsync(
                () => house.RegionClient.ReviewRegionAccessAsync(wrong),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
        }

        await Refused.WithAsync(
            () => house.RegionClient.ListRegionLinksAsync(new ListRegionLinksRequest { Region = "atlantis" }),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        await Refused.WithAsync(
            () => house.RegionClient.DrainRegionAsync(new DrainRegionRequest { Name = "eastus", Reason = new string('x', 2000) }),
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

    // It is let in, and meets a region whose node is another one's.
    private static Task<Refused> MayUseAsync(House house, string id) =>
        Refused.WithAsync(() => CreateSnapshotAsync(house, id), StatusCode.Unavailable, ErrorReason.RegionUnavailable);

    private static Task<Snapshot> CreateSnapshotAsync(House house, string id) =>
        SnapshotAsync(
            house.Snapshots.CreateSnapshotAsync(
                new CreateSnapshotRequest
                {
                    Parent = House.Group,
                    SnapshotId = id,
                    Region = "australiacentral",
                    FileSizeBytes = 1L << 30,
                }
            )
        );

    private static async Task<Snapshot> SnapshotAsync(AsyncUnaryCall<CreateSnapshotResponse> call) => (await call).Snapshot;

    private static async Task<IReadOnlyList<RegionAccessRequest>> ListAsync(
        RegionService.RegionServiceClient client,
        string parent,
        RegionAccessState state = RegionAccessState.Unspecified
    ) => (await client.ListRegionAccessRequestsAsync(new ListRegionAccessRequestsRequest { Parent = parent, State = state })).Requests;

    private static async Task<Gallery.Contracts.Replication.V1.Region> GetAsync(House house, string name, string subscription = "") =>
        (await house.RegionClient.GetRegionAsync(new GetRegionRequest { Name = name, Subscription = subscription })).Region;
}
