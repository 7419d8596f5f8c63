using System.Globalization;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.ServiceDefaults.Access;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.IdentityModel.JsonWebTokens;

namespace Gallery.Replication.Tests;

public sealed class PlacementTests(SharedHouse shared) : IClassFixture<SharedHouse>
{
    private readonly House _house = shared.House;

    [Fact]
    public async Task Machines_are_spread_over_the_least_loaded_replicas()
    {
        var version = await PublishAsync("1.0.0", ("westus", 3));
        var first = await PlaceAsync(version, 7);
        Assert.Equal([3, 2, 2], first.Leases.Select(lease => lease.MachineCount).OrderDescending());
        var second = await PlaceAsync(version, 2);
        Assert.Equal([0, 1, 2], first.Spread.Select(load => int.Parse(load.Replica[^1..], CultureInfo.InvariantCulture)));
        Assert.All(first.Spread, load => Assert.Equal((0, 20), (load.MachinesBefore, load.MachineCapacity)));
        Assert.Equal(first.Spread.Select(load => load.MachinesAfter), second.Spread.Select(load => load.MachinesBefore));
        Assert.All(second.Spread, load => Assert.Equal(3, load.MachinesAfter));
        Assert.All(
            first.Leases,
            lease => Assert.Equal(lease.MachineCount, first.Spread.Single(load => load.Replica == lease.Replica).MachinesAfter)
        );
        Assert.All(second.Leases, lease => Assert.Equal(1, lease.MachineCount));
        Assert.Equal([3, 3, 3], (await _house.ReplicasAsync(version)).Select(replica => replica.LeasedMachineCount));

        var lease = first.Leases[0];
        Assert.Equal(version, first.Version);
        Assert.StartsWith($"subscriptions/{House.Subscription}/leases/", lease.Name, StringComparison.Ordinal);
        Assert.Equal($"{version}/replicas/westus-{lease.ReplicaId.Split('.')[^2]}", lease.Replica);
        Assert.Equal(_house["westus"].Url, lease.GrpcUrl);
        Assert.NotEqual(lease.GrpcUrl, lease.HttpUrl);
        Assert.Equal(_house.Time.GetUtcNow().AddHours(1), lease.ExpireTime.ToDateTimeOffset(), TimeSpan.FromSeconds(1));
        Assert.Equal(House.Digest, Assert.Single(lease.Disks).Content.Digest);
        var token = new JsonWebToken(lease.Token);
        Assert.Equal(
            ("region:westus", GrantClaims.Read, lease.ReplicaId),
            (token.Audiences.Single(), token.GetClaim(GrantClaims.Operation).Value, token.GetClaim(GrantClaims.Resource).Value)
        );

        var shown = (await _house.Placement.GetLeaseAsync(new GetLeaseRequest { Name = lease.Name })).Lease;
        Assert.Equal("", shown.Token);
        shown.Token = lease.Token;
        shown.ExpireTime = lease.ExpireTime;
        Assert.Equal(lease, shown);
    }

    [Fact]
    public async Task When_the_replicas_are_full_it_is_said_how_many_would_do_and_nothing_is_placed()
    {
        var version = await PublishAsync("1.1.0", ("westus", 2));
        await PlaceAsync(version, 35);
        var refused = await Refused.WithAsync(() => PlaceAsync(version, 6), StatusCode.ResourceExhausted, ErrorReason.ReplicasExhausted);
        Assert.Equal(
            ("3", "2", "5"),
            (refused.Metadata["replicas_needed"], refused.Metadata["ready_replicas"], refused.Metadata["free_machines"])
        );
        Assert.Equal(TimeSpan.FromSeconds(30), refused.Detail<RetryInfo>().RetryDelay.ToTimeSpan());
        Assert.Contains(
            "3 replicas would do",
            Assert.Single(refused.Detail<QuotaFailure>().Violations).Description,
            StringComparison.Ordinal
        );
        Assert.Equal(35, (await _house.ReplicasAsync(version)).Sum(replica => replica.LeasedMachineCount));
        Assert.Equal([3, 2], (await PlaceAsync(version, 5)).Leases.Select(lease => lease.MachineCount).OrderDescending());
        await Refused.WithAsync(() => PlaceAsync(version, 1), StatusCode.ResourceExhausted, ErrorReason.ReplicasExhausted);
    }

    [Fact]
    public async Task Leases_are_renewed_released_and_listed()
    {
        var version = await PublishAsync("1.2.0", ("westus", 2));
        var placed = await PlaceAsync(version, 4);
        var name = placed.Leases[0].Name;
        _house.Time.Advance(TimeSpan.FromSeconds(10));
        var renewed = (
            await _house.Placement.RenewLeaseAsync(
                new RenewLeaseRequest { Name = name, LeaseDuration = Duration.FromTimeSpan(TimeSpan.FromHours(2)) }
            )
        ).Lease;
        Assert.Equal(_house.Time.GetUtcNow().AddHours(2), renewed.ExpireTime.ToDateTimeOffset(), TimeSpan.FromSeconds(1));
        Assert.NotEqual(placed.Leases[0].Token, renewed.Token);

        var listed = new List<Lease>();
        var token = "";
        do
        {
            var page = await _house.Placement.ListLeasesAsync(
                new ListLeasesRequest
                {
                    Version = version,
                    PageSize = 1,
                    PageToken = token,
                }
            );
            listed.AddRange(page.Leases);
            token = page.NextPageToken;
        } while (token.Length > 0);
        Assert.Equal(placed.Leases.Select(lease => lease.Name).Order(), listed.Select(lease => lease.Name).Order());
        Assert.All(listed, lease => Assert.Equal("", lease.Token));

        await _house.Placement.ReleaseLeaseAsync(new ReleaseLeaseRequest { Name = name });
        await _house.Placement.ReleaseLeaseAsync(new ReleaseLeaseRequest { Name = name });
        Assert.Equal(2, (await _house.ReplicasAsync(version)).Sum(replica => replica.LeasedMachineCount));
        Assert.Single((await _house.Placement.ListLeasesAsync(new ListLeasesRequest { Version = version })).Leases);
        await Refused.WithAsync(
            () => _house.Placement.RenewLeaseAsync(new RenewLeaseRequest { Name = name }),
            StatusCode.FailedPrecondition,
            ErrorReason.LeaseExpired
        );
        await Refused.WithAsync(
            () => _house.Placement.GetLeaseAsync(new GetLeaseRequest { Name = name }),
            StatusCode.FailedPrecondition,
            ErrorReason.LeaseExpired
        );
        var unknown = $"subscriptions/{House.Subscription}/leases/none";
        await _house.Placement.ReleaseLeaseAsync(new ReleaseLeaseRequest { Name = unknown });
        await Refused.WithAsync(
            () => _house.Placement.RenewLeaseAsync(new RenewLeaseRequest { Name = unknown }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
    }

    [Fact]
    public async Task A_lease_that_ends_frees_its_machines_by_itself()
    {
        await using var house = await House.StartAsync();
        var version = (await house.PublishAsync("1.3.0", ("westus", 1))).Name;
        await house.UntilCompletedAsync(version);
        var request = new PlaceDeploymentRequest
        {
            Image = version,
            Region = "westus",
            MachineCount = 20,
            LeaseDuration = Duration.FromTimeSpan(TimeSpan.FromMinutes(1)),
        };
        var lease = (await house.Placement.PlaceDeploymentAsync(request)).Leases.Single();
        await Refused.WithAsync(
            () => house.Placement.PlaceDeploymentAsync(request),
            StatusCode.ResourceExhausted,
            ErrorReason.ReplicasExhausted
        );
        house.Time.Advance(TimeSpan.FromMinutes(1));
        await Refused.WithAsync(
            () => house.Placement.RenewLeaseAsync(new RenewLeaseRequest { Name = lease.Name }),
            StatusCode.FailedPrecondition,
            ErrorReason.LeaseExpired
        );
        Assert.Equal(20, (await house.Placement.PlaceDeploymentAsync(request)).Leases.Single().MachineCount);
        house.Time.Advance(TimeSpan.FromMinutes(2));
        await Eventually.Async(
            () => house.Keys(":lease-ends:").Count == 0 && house.Keys(":leasing").Count == 0,
            what: "the sweep to let it go"
        );
        Assert.Equal(0, (await house.ReplicasAsync(version)).Single().LeasedMachineCount);
    }

    [Fact]
    public async Task A_repeated_request_gets_the_same_leases_and_another_one_is_refused()
    {
        var version = await PublishAsync("1.4.0", ("westus", 2));
        var request = new PlaceDeploymentRequest
        {
            Image = version,
            Region = "westus",
            MachineCount = 3,
            RequestId = "deploy-1",
        };
        var first = await _house.Placement.PlaceDeploymentAsync(request);
        var again = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _house.Placement.PlaceDeploymentAsync(request).ResponseAsync));
        Assert.All(again, response => Assert.Equal(first.Spread, response.Spread));
        Assert.All(
            again,
            response =>
                Assert.Equal(
                    first.Leases.Select(lease => (lease.Name, lease.MachineCount)),
                    response.Leases.Select(lease => (lease.Name, lease.MachineCount))
                )
        );
        Assert.Equal(3, (await _house.ReplicasAsync(version)).Sum(replica => replica.LeasedMachineCount));
        request.MachineCount = 4;
        await Refused.WithAsync(
            () => _house.Placement.PlaceDeploymentAsync(request),
            StatusCode.FailedPrecondition,
            ErrorReason.RequestIdReused
        );

        // Even at the same time it is placed once.
        request.RequestId = "deploy-2";
        var together = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _house.Placement.PlaceDeploymentAsync(request).ResponseAsync));
        Assert.Single(together.Select(response => string.Join(',', response.Leases.Select(lease => lease.Name))).Distinct());
        Assert.Equal(7, (await _house.ReplicasAsync(version)).Sum(replica => replica.LeasedMachineCount));
    }

    [Fact]
    public async Task However_many_place_at_once_no_replica_is_overloaded()
    {
        var version = await PublishAsync("1.5.0", ("westus", 5));
        var random = new Random(7);
        var sizes = Enumerable.Range(0, 60).Select(_ => random.Next(1, 9)).ToList();
        var outcomes = await Task.WhenAll(
            sizes.Select(async size =>
            {
                try
                {
                    return await PlaceAsync(version, size);
                }
                catch (RpcException error) when (error.StatusCode == StatusCode.ResourceExhausted)
                {
                    return null;
                }
            })
        );
        var placed = outcomes.OfType<PlaceDeploymentResponse>().ToList();
        var total = placed.SelectMany(response => response.Leases).Sum(lease => lease.MachineCount);
        Assert.InRange(total, 93, 100); // What is left is less than the smallest that was refused.
        var loads = (await _house.ReplicasAsync(version)).Select(replica => replica.LeasedMachineCount).ToList();
        Assert.All(loads, load => Assert.InRange(load, 0, 20));
        Assert.Equal(total, loads.Sum());

        await Task.WhenAll(
            placed
                .SelectMany(response => response.Leases)
                .Select(lease => _house.Placement.ReleaseLeaseAsync(new ReleaseLeaseRequest { Name = lease.Name }).ResponseAsync)
        );
        Assert.Equal(0, (await _house.ReplicasAsync(version)).Sum(replica => replica.LeasedMachineCount));
    }

    [Fact]
    public async Task A_thousand_machines_are_placed_within_fifty_milliseconds()
    {
        var version = await PublishAsync("1.6.0", ("westus", 60));
        var warm = await PlaceAsync(version, 100);
        Assert.Equal(60, warm.Leases.Count);
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        var placed = await PlaceAsync(version, 1000);
        var elapsed = System.Diagnostics.Stopwatch.GetElapsedTime(start);
        Assert.Equal(1000, placed.Leases.Sum(lease => lease.MachineCount));
        Assert.Equal([18, 19], (await LoadsAsync(version)).Distinct().Order()); // 1,100 machines on 60 replicas.
        Assert.True(elapsed < TimeSpan.FromMilliseconds(500), $"{elapsed.TotalMilliseconds} ms"); // Ten times the aim: other work runs beside.
    }

    [Fact]
    public async Task Latest_is_the_highest_number_that_is_complete_in_the_region_and_not_excluded()
    {
        var definition = $"{House.Group}/galleries/prod/images/latest";
        await Refused.WithAsync(() => LatestAsync(definition, "westus"), StatusCode.NotFound, ErrorReason.GalleryImageNotFound);
        await PublishInAsync(definition, "1.9.0", ("westus", 1), ("eastus", 1));
        await PublishInAsync(definition, "1.10.0", ("westus", 1), ("eastus", 1));
        Assert.Equal("1.10.0", await LatestAsync(definition, "westus"));
        Assert.Equal("1.10.0", await LatestAsync(definition, "eastus"));
        Assert.Equal("1.10.0", await LatestAsync(definition + "/versions/LATEST", "westus"));
        await PublishInAsync(definition, "2.0.0", ("westus", 1));
        Assert.Equal("2.0.0", await LatestAsync(definition, "westus"));
        Assert.Equal("1.10.0", await LatestAsync(definition, "eastus"));
        await Refused.WithAsync(() => LatestAsync(definition, "northeurope"), StatusCode.NotFound, ErrorReason.GalleryImageNotFound);

        // Excluded altogether, and the region that says otherwise; the region wins. Nothing that replicas hold changes, so neither does the generation.
        var name = $"{definition}/versions/2.0.0";
        await _house.TellAsync(
            _house.Catalog.Change(name, version => version.PublishingProfile.ExcludeFromLatest = true, nextGeneration: false),
            ChangeType.Updated
        );
        await Eventually.Async(async () => await LatestAsync(definition, "westus") == "1.10.0");
        Assert.Equal(name, await PlacedVersionAsync(name, "westus")); // By its own name it is still to be had.
        await _house.TellAsync(
            _house.Catalog.Change(
                name,
                version => version.PublishingProfile.TargetRegions[0].ExcludeFromLatest = false,
                nextGeneration: false
            ),
            ChangeType.Updated
        );
        await Eventually.Async(async () => await LatestAsync(definition, "westus") == "2.0.0");

        // While more replicas are being made, what was complete stays the latest.
        _house["westus"].OnPull = pull => pull.Request.Store.Ordinal == 1 ? pull.HangAsync() : Task.CompletedTask;
        await _house.ChangeAsync(name, version => version.PublishingProfile.TargetRegions[0].RegionalReplicaCount = 2);
        await _house.UntilAsync(name, status => status is { Generation: 2 } && status.Summary[0].TargetReplicaCount == 2);
        var latest = await LatestAsync(definition, "westus");
        _house["westus"].OnPull = _ => Task.CompletedTask;
        Assert.Equal("2.0.0", latest);

        // Soft-deleted: by its own name only. Deleted: not at all.
        await _house.ChangeAsync(name, version => version.ProvisioningState = ProvisioningState.SoftDeleted, ChangeType.SoftDeleted);
        await Eventually.Async(async () => await LatestAsync(definition, "westus") == "1.10.0");
        Assert.Equal(name, await PlacedVersionAsync(name, "westus"));
        await _house.ChangeAsync(
            $"{definition}/versions/1.10.0",
            version => version.ProvisioningState = ProvisioningState.Deleting,
            ChangeType.Deleting
        );
        await Eventually.Async(async () => await LatestAsync(definition, "westus") == "1.9.0");
    }

    [Fact]
    public async Task A_version_that_is_not_complete_is_placed_by_name_only_on_what_is_ready()
    {
        var definition = $"{House.Group}/galleries/prod/images/partial";
        _house["eastus"].OnPull = pull =>
            pull.Request.ReplicaId.Contains(".eastus.1.", StringComparison.Ordinal) ? pull.HangAsync() : Task.CompletedTask;
        var version = await WantInAsync(definition, "1.0.0", ("westus", 1), ("eastus", 2));
        await _house.TellAsync(version, ChangeType.Created);
        await _house.UntilAsync(version.Name, status => status.Summary[1].ReadyReplicaCount == 1);
        await Refused.WithAsync(() => LatestAsync(definition, "eastus"), StatusCode.NotFound, ErrorReason.GalleryImageNotFound);
        var placed = await PlaceAsync(version.Name, 5, "eastus");
        Assert.EndsWith("eastus-0", placed.Leases.Single().Replica, StringComparison.Ordinal);
        await Refused.WithAsync(
            () =>
                _house.Placement.PlaceDeploymentAsync(
                    new PlaceDeploymentRequest
                    {
                        Image = version.Name,
                        Region = "eastus",
                        MachineCount = 1,
                        ReplicaOrdinal = 1,
                    }
                ),
            StatusCode.NotFound,
            ErrorReason.GalleryImageNotFound
        );
        _house["eastus"].OnPull = _ => Task.CompletedTask;
    }

    [Fact]
    public async Task A_replica_may_be_named_and_then_only_it_is_taken()
    {
        var version = await PublishAsync("1.7.0", ("westus", 3));
        var request = new PlaceDeploymentRequest
        {
            Image = version,
            Region = "westus",
            MachineCount = 20,
            ReplicaOrdinal = 2,
        };
        Assert.EndsWith(
            "westus-2",
            (await _house.Placement.PlaceDeploymentAsync(request)).Leases.Single().Replica,
            StringComparison.Ordinal
        );
        request.MachineCount = 1;
        await Refused.WithAsync(
            () => _house.Placement.PlaceDeploymentAsync(request),
            StatusCode.ResourceExhausted,
            ErrorReason.ReplicasExhausted
        );
    }

    [Fact]
    public async Task Advice_tells_what_is_needed_and_what_there_is()
    {
        var version = await PublishAsync("1.8.0", ("westus", 2));
        await PlaceAsync(version, 7);
        var advice = await _house.Placement.AdvisePlacementAsync(
            new AdvisePlacementRequest
            {
                Image = version,
                Region = "westus",
                MachineCount = 100,
                ScaleSetCount = 3,
            }
        );
        Assert.Equal((version, 5, 2, 33), (advice.Version, advice.ReplicasNeeded, advice.ReadyReplicaCount, advice.FreeMachineCount));
        Assert.Equal((7, 6, 20), (advice.LeasedMachineCount, advice.ReplicasNeededNow, advice.MachinesPerReplica));
        advice = await _house.Placement.AdvisePlacementAsync(
            new AdvisePlacementRequest
            {
                Image = version,
                Region = "eastus",
                ScaleSetCount = 9,
            }
        );
        Assert.Equal((9, 0, 0), (advice.ReplicasNeeded, advice.ReadyReplicaCount, advice.FreeMachineCount));
    }

    [Fact]
    public async Task Leases_end_with_their_replica_and_a_new_life_begins_without_load()
    {
        var version = await PublishAsync("1.11.0", ("westus", 2));
        var placed = await PlaceAsync(version, 10);
        await _house.RetargetAsync(version, ("westus", 1));
        await _house.UntilAsync(version, status => status.Generation == 2);
        var gone = placed.Leases.Single(lease => lease.Replica.EndsWith("-1", StringComparison.Ordinal));
        await Refused.WithAsync(
            () => _house.Placement.RenewLeaseAsync(new RenewLeaseRequest { Name = gone.Name }),
            StatusCode.FailedPrecondition,
            ErrorReason.LeaseExpired
        );
        await _house.RetargetAsync(version, ("westus", 2));
        await _house.UntilAsync(version, status => status is { Generation: 3, AggregatedState: AggregatedReplicationState.Completed });
        await _house.Placement.ReleaseLeaseAsync(new ReleaseLeaseRequest { Name = gone.Name });
        Assert.Equal(
            [5, 0],
            (await _house.ReplicasAsync(version))
                .Where(replica => replica.State == ReplicaState.Ready)
                .Select(replica => replica.LeasedMachineCount)
        );
    }

    [Fact]
    public async Task Wrong_placements_are_refused()
    {
        var version = await PublishAsync("1.12.0", ("westus", 1));
        var good = new PlaceDeploymentRequest
        {
            Image = version,
            Region = "westus",
            MachineCount = 1,
        };
        await RefuseAsync(good, request => request.Image = "", "image");
        await RefuseAsync(good, request => request.Image = House.Group, "image");
        await RefuseAsync(good, request => request.Image = version + "/replicas/westus-0", "image");
        await RefuseAsync(good, request => request.Region = "", "region");
        await RefuseAsync(good, request => request.MachineCount = 0, "machine_count");
        await RefuseAsync(good, request => request.MachineCount = -1, "machine_count");
        await RefuseAsync(good, request => request.MachineCount = 1001, "machine_count");
        await RefuseAsync(good, request => request.ReplicaOrdinal = -1, "replica_ordinal");
        await RefuseAsync(good, request => request.ReplicaOrdinal = 100, "replica_ordinal");
        await RefuseAsync(good, request => request.LeaseDuration = new Duration { Seconds = 59 }, "lease_duration");
        await RefuseAsync(good, request => request.LeaseDuration = new Duration { Seconds = 86_401 }, "lease_duration");
        await RefuseAsync(good, request => request.LeaseDuration = new Duration { Seconds = long.MaxValue, Nanos = -5 }, "lease_duration");
        await RefuseAsync(good, request => request.RequestId = new string('r', 65), "request_id");
        foreach (
            var name in new[]
            {
                "",
                "x",
                "subscriptions/y/leases/z",
                $"subscriptions/{House.Subscription}/leases/",
                $"subscriptions/{House.Subscription}/leases/a*b",
            }
        )
        {
            await Refused.WithAsync(
                () => _house.Placement.GetLeaseAsync(new GetLeaseRequest { Name = name }),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
            await Refused.WithAsync(
                () => _house.Placement.RenewLeaseAsync(new RenewLeaseRequest { Name = name }),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
            await Refused.WithAsync(
                () => _house.Placement.ReleaseLeaseAsync(new ReleaseLeaseRequest { Name = name }),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
        }

        await Refused.WithAsync(
            () =>
                _house.Placement.AdvisePlacementAsync(
                    new AdvisePlacementRequest
                    {
                        Image = version,
                        Region = "westus",
                        MachineCount = -1,
                        ScaleSetCount = 10_001,
                    }
                ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        var far = await Refused.WithAsync(
            () => PlaceAsync(version, 1, "atlantis"),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        Assert.Contains("eastus", far.Message, StringComparison.Ordinal);
        await Refused.WithAsync(() => PlaceAsync(version, 1, "eastus"), StatusCode.NotFound, ErrorReason.GalleryImageNotFound);
        await Refused.WithAsync(() => PlaceAsync(House.VersionName("6.6.6"), 1), StatusCode.NotFound, ErrorReason.GalleryImageNotFound);

        var stranger = new PlacementService.PlacementServiceClient(_house.Host.ChannelAs(TestPrincipal.OtherOwner));
        await Refused.WithAsync(() => stranger.PlaceDeploymentAsync(good), StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
        var lease = (await PlaceAsync(version, 1)).Leases.Single();
        await Refused.WithAsync(
            () => stranger.RenewLeaseAsync(new RenewLeaseRequest { Name = lease.Name }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        await Refused.WithAsync(
            () => stranger.ReleaseLeaseAsync(new ReleaseLeaseRequest { Name = lease.Name }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        await Refused.WithAsync(
            () => stranger.ListLeasesAsync(new ListLeasesRequest { Version = version }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        var reader = new PlacementService.PlacementServiceClient(_house.Host.ChannelAs(TestPrincipal.Reader));
        Assert.Single((await reader.PlaceDeploymentAsync(good)).Leases);
    }

    [Fact]
    public async Task A_region_that_is_down_places_nothing()
    {
        await using var house = await House.StartAsync();
        var version = (await house.PublishAsync("1.0.0", ("westus", 1))).Name;
        await house.UntilCompletedAsync(version);
        await house.TakeDownAsync("westus");
        var refused = await Refused.WithAsync(
            () =>
                house.Placement.PlaceDeploymentAsync(
                    new PlaceDeploymentRequest
                    {
                        Image = version,
                        Region = "westus",
                        MachineCount = 1,
                    }
                ),
            StatusCode.Unavailable,
            ErrorReason.RegionUnavailable
        );
        Assert.Contains("connection refused", refused.Message, StringComparison.Ordinal);
        Assert.NotNull(refused.Detail<RetryInfo>().RetryDelay);
    }

    private async Task<string> PublishAsync(string id, params (string Region, int Count)[] targets)
    {
        var version = await _house.PublishAsync(id, targets);
        await _house.UntilAsync(
            version.Name,
            status => status.AggregatedState == AggregatedReplicationState.Completed,
            TimeSpan.FromSeconds(20)
        );
        return version.Name;
    }

    private async Task<ImageVersion> WantInAsync(string definition, string id, params (string Region, int Count)[] targets)
    {
        var version = await _house.WantAsync($"0.{Random.Shared.Next()}.0", targets);
        _house.Catalog.Forget(version.Name);
        version.Name = House.VersionName(id, definition);
        _house.Catalog.Put(version);
        return version;
    }

    private async Task PublishInAsync(string definition, string id, params (string Region, int Count)[] targets)
    {
        var version = await WantInAsync(definition, id, targets);
        await _house.TellAsync(version, ChangeType.Created);
        await _house.UntilCompletedAsync(version.Name);
    }

    private async Task<PlaceDeploymentResponse> PlaceAsync(string image, int machines, string region = "westus") =>
        await _house.Placement.PlaceDeploymentAsync(
            new PlaceDeploymentRequest
            {
                Image = image,
                Region = region,
                MachineCount = machines,
            }
        );

    private async Task<string> PlacedVersionAsync(string image, string region) => (await PlaceAsync(image, 1, region)).Version;

    private async Task<string> LatestAsync(string image, string region)
    {
        var advice = await _house.Placement.AdvisePlacementAsync(
            new AdvisePlacementRequest
            {
                Image = image,
                Region = region,
                MachineCount = 1,
            }
        );
        return advice.Version.Split('/')[^1];
    }

    private async Task<List<int>> LoadsAsync(string version) =>
        [
            .. (await _house.Replication.ListReplicasAsync(new ListReplicasRequest { Parent = version, PageSize = 1000 })).Replicas.Select(
                replica => replica.LeasedMachineCount
            ),
        ];

    private async Task RefuseAsync(PlaceDeploymentRequest good, Action<PlaceDeploymentRequest> spoil, string field)
    {
        var bad = good.Clone();
        spoil(bad);
        var refused = await Refused.WithAsync(
            () => _house.Placement.PlaceDeploymentAsync(bad),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Contains(field, refused.Fields);
    }
}
