using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Replication.Tests;

/// <summary>Numbers of replicas that follow the leases.</summary>
public sealed class ScalingTests
{
    [Fact]
    public async Task Replicas_come_with_the_machines_and_go_after_them()
    {
        await using var house = await House.StartAsync(("Placement:UnmetMemory", "00:00:02"));
        var version = (await house.PublishAsync("1.0.0", ("westus", 1))).Name;
        await house.UntilCompletedAsync(version);
        var scaling = await SetAsync(house, version, 1, 4);
        Assert.Equal((1, 600), (scaling.ReplicaCount, scaling.ShrinkDelay.Seconds));

        // More than fit are refused, and find room when they come again.
        await Refused.WithAsync(() => PlaceAsync(house, version, 50), StatusCode.ResourceExhausted, ErrorReason.ReplicasExhausted);
        await UntilReadyAsync(house, version, 3);
        var placed = await PlaceAsync(house, version, 50);
        Assert.Equal(3, placed.Spread.Count);

        // Never beyond the most, whoever asks.
        await Refused.WithAsync(() => PlaceAsync(house, version, 500), StatusCode.ResourceExhausted, ErrorReason.ReplicasExhausted);
        await UntilReadyAsync(house, version, 4);

        // What is no longer needed goes after the delay; what machines are on stays. The first two stay with their machines.
        foreach (var lease in placed.Leases.Where(lease => lease.Replica.EndsWith("-2", StringComparison.Ordinal)))
        {
            await house.Placement.ReleaseLeaseAsync(new ReleaseLeaseRequest { Name = lease.Name });
        }

        await Eventually.Async(
            () => Task.FromResult(house.Keys(":unmet:").Count == 0),
            TimeSpan.FromSeconds(10),
            "the refusals to be over"
        );
        await Eventually.Async(async () => (await GetAsync(house, version)).SurplusSinceTime is not null, what: "the surplus to be seen");
        Assert.Equal(4, (await GetAsync(house, version)).ReplicaCount);
        house.Time.Advance(TimeSpan.FromMinutes(10));
        await UntilReadyAsync(house, version, 2);
        Assert.Equal(
            [0, 1],
            (await house.ReplicasAsync(version)).Where(replica => replica.State == ReplicaState.Ready).Select(replica => replica.Ordinal)
        );

        // Billing hears of each that came and went.
        var told = (await house.EventsAsync(version)).Select(told => told.ReplicaChanged).OfType<ReplicaChanged>().ToList();
        Assert.Equal(
            (4, 2),
            (told.Count(change => change.State == ReplicaState.Ready), told.Count(change => change.State == ReplicaState.Deleting))
        );
    }

    [Fact]
    public async Task The_count_of_the_target_region_waits_until_scaling_ends()
    {
        await using var house = await House.StartAsync();
        var version = (await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 1))).Name;
        await house.UntilCompletedAsync(version);
        await SetAsync(house, version, 3, 5);
        await UntilReadyAsync(house, version, 3);
        await house.RetargetAsync(version, ("westus", 2), ("eastus", 2));
        await house.UntilAsync(version, status => status is { Generation: 2, AggregatedState: AggregatedReplicationState.Completed });
        await UntilReadyAsync(house, version, 3);
        Assert.Single((await house.Scalings.ListReplicaScalingsAsync(new ListReplicaScalingsRequest { Version = version })).Scalings);

        var delete = new DeleteReplicaScalingRequest { Version = version, Region = "westus" };
        await house.Scalings.DeleteReplicaScalingAsync(delete);
        await house.Scalings.DeleteReplicaScalingAsync(delete);
        await UntilReadyAsync(house, version, 2);
        await Refused.WithAsync(() => GetAsync(house, version), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        Assert.Empty(house.Keys(":scaled"));

        // It ends with its region, too.
        await SetAsync(house, version, 3, 5);
        await house.RetargetAsync(version, ("eastus", 1));
        await Eventually.Async(() => Task.FromResult(house.Keys(":scaled").Count == 0), what: "the scaling to end");
        await Refused.WithAsync(() => GetAsync(house, version), StatusCode.NotFound, ErrorReason.ResourceNotFound);
    }

    [Fact]
    public async Task Wrong_scalings_are_refused()
    {
        await using var house = await House.StartAsync();
        var version = (await house.PublishAsync("1.0.0", ("westus", 1))).Name;
        await house.UntilCompletedAsync(version);
        await RefuseAsync(house, version, scaling => scaling.Version = "x", "scaling.version");
        await RefuseAsync(house, version, scaling => scaling.Region = "", "scaling.region");
        await RefuseAsync(house, version, scaling => scaling.MinReplicaCount = 0, "scaling.min_replica_count");
        await RefuseAsync(house, version, scaling => scaling.MinReplicaCount = 6, "scaling.min_replica_count");
        await RefuseAsync(house, version, scaling => scaling.MaxReplicaCount = 101, "scaling.max_replica_count");
        await RefuseAsync(house, version, scaling => scaling.ShrinkDelay = new Duration { Seconds = 86_401 }, "scaling.shrink_delay");
        await RefuseAsync(house, version, scaling => scaling.ShrinkDelay = new Duration { Nanos = -1 }, "scaling.shrink_delay");
        await Refused.WithAsync(
            () => house.Scalings.SetReplicaScalingAsync(new SetReplicaScalingRequest()),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(() => SetAsync(house, version, 1, 2, "eastus"), StatusCode.NotFound, ErrorReason.GalleryImageNotFound);
        await Refused.WithAsync(
            () => SetAsync(house, House.VersionName("6.6.6"), 1, 2),
            StatusCode.NotFound,
            ErrorReason.GalleryImageNotFound
        );
        var reader = new ReplicaScalingService.ReplicaScalingServiceClient(house.Host.ChannelAs(TestPrincipal.Reader));
        await Refused.WithAsync(
            () => reader.SetReplicaScalingAsync(new SetReplicaScalingRequest { Scaling = Scaling(version, 1, 2) }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        Assert.Empty((await reader.ListReplicaScalingsAsync(new ListReplicaScalingsRequest { Version = version })).Scalings);
    }

    private static ReplicaScaling Scaling(string version, int least, int most, string region = "westus") =>
        new()
        {
            Version = version,
            Region = region,
            MinReplicaCount = least,
            MaxReplicaCount = most,
        };

    private static async Task<ReplicaScaling> SetAsync(House house, string version, int least, int most, string region = "westus") =>
        (
            await house.Scalings.SetReplicaScalingAsync(new SetReplicaScalingRequest { Scaling = Scaling(version, least, most, region) })
        ).Scaling;

    private static async Task<ReplicaScaling> GetAsync(House house, string version) =>
        (await house.Scalings.GetReplicaScalingAsync(new GetReplicaScalingRequest { Version = version, Region = "westus" })).Scaling;

    private static async Task<PlaceDeploymentResponse> PlaceAsync(House house, string version, int machines) =>
        await house.Placement.PlaceDeploymentAsync(
            new PlaceDeploymentRequest
            {
                Image = version,
                Region = "westus",
                MachineCount = machines,
                LeaseDuration = Duration.FromTimeSpan(TimeSpan.FromHours(12)),
            }
        );

    private static Task UntilReadyAsync(House house, string version, int count) =>
        Eventually.Async(
            async () =>
                (await house.ReplicasAsync(version)).Count(replica => replica is { Region: "westus", State: ReplicaState.Ready }) == count,
            TimeSpan.FromSeconds(20),
            $"{count} replicas"
        );

    private static async Task RefuseAsync(House house, string version, Action<ReplicaScaling> spoil, string field)
    {
        var bad = Scaling(version, 1, 5);
        spoil(bad);
        var refused = await Refused.WithAsync(
            () => house.Scalings.SetReplicaScalingAsync(new SetReplicaScalingRequest { Scaling = bad }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Contains(field, refused.Fields);
    }
}
