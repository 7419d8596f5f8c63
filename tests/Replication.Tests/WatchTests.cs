using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Replication.Tests;

public sealed class WatchTests
{
    [Fact]
    public async Task A_watcher_sees_progress_grow_and_the_stream_ends_when_nothing_is_left_to_do()
    {
        await using var house = await House.StartAsync();
        house["westus"].OnPull = async pull =>
        {
            for (var step = 1; step <= 4; step++)
            {
                await pull.TellAsync(House.Occupied * step / 5);
                await Task.Delay(300);
            }
        };
        var version = await house.PublishAsync("1.0.0", ("westus", 2), ("eastus", 1));
        var seen = await WatchAsync(house.Replication, version.Name, untilSettled: true);
        var home = seen.Select(status => status.Summary[0].Progress).ToList();
        Assert.True(home.Distinct().Count() >= 4, $"Too few steps: {string.Join(", ", home)}");
        Assert.Equal(home.Order(), home); // It never goes back.
        Assert.Equal(100, home[^1]);
        Assert.All(seen, status => Assert.Equal(status.Summary[0].ReadyReplicaCount == 2, status.Summary[0].Progress == 100));
        Assert.Equal(AggregatedReplicationState.Completed, seen[^1].AggregatedState);
        Assert.All(seen.SkipLast(1), status => Assert.Equal(AggregatedReplicationState.InProgress, status.AggregatedState));
        Assert.Equal(seen.Count, seen.Distinct().Count()); // Nothing is sent that was known.

        // A settled version is told at once.
        Assert.Single(await WatchAsync(house.Replication, version.Name, untilSettled: true));
    }

    [Fact]
    public async Task A_watcher_who_has_just_asked_for_more_is_not_told_that_all_is_done()
    {
        await using var house = await House.StartAsync();
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        await house.UntilCompletedAsync(version.Name);
        house.Catalog.Change(version.Name, wanted => wanted.PublishingProfile.TargetRegions[0].RegionalReplicaCount = 3); // The event is still on its way.
        var seen = await WatchAsync(house.Replication, version.Name, untilSettled: true);
        Assert.All(seen, status => Assert.Equal((2, 3), (status.Generation, status.Summary[0].TargetReplicaCount)));
        Assert.Equal(3, seen[^1].Summary[0].ReadyReplicaCount);
    }

    [Fact]
    public async Task Without_an_end_asked_for_the_stream_goes_on_until_the_version_is_gone()
    {
        await using var house = await House.StartAsync();
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        await house.UntilCompletedAsync(version.Name);
        using var call = house.Replication.WatchReplicationStatus(new WatchReplicationStatusRequest { Version = version.Name });
        Assert.True(await call.ResponseStream.MoveNext(default));
        var next = call.ResponseStream.MoveNext(default);
        await Task.Delay(300);
        Assert.False(next.IsCompleted);
        await house.RetargetAsync(version.Name, ("westus", 2));
        Assert.True(await next);
        Assert.Equal(2, call.ResponseStream.Current.Status.Generation);
        await house.ChangeAsync(version.Name, wanted => wanted.ProvisioningState = ProvisioningState.Deleting, ChangeType.Deleting);
        await Refused.WithAsync(
            async () =>
            {
                while (await call.ResponseStream.MoveNext(default))
                {
                    // Until it is gone.
                }
            },
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
    }

    [Fact]
    public async Task A_watcher_who_loses_the_right_to_is_let_go()
    {
        await using var house = await House.StartAsync(("Watch:AccessCheckInterval", "00:00:00.3"));
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        await house.UntilCompletedAsync(version.Name);
        using var call = house.Replication.WatchReplicationStatus(new WatchReplicationStatusRequest { Version = version.Name });
        Assert.True(await call.ResponseStream.MoveNext(default));
        house.Access.Deny("Microsoft.Compute/galleries/images/versions/read");
        await Refused.WithAsync(() => call.ResponseStream.MoveNext(default), StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
    }

    [Fact]
    public async Task Wrong_questions_about_replication_are_refused()
    {
        await using var house = await House.StartAsync();
        var client = house.Replication;
        var missing = House.VersionName("7.7.7");
        await Refused.WithAsync(
            () => client.GetReplicationStatusAsync(new GetReplicationStatusRequest { Version = missing }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => client.WatchReplicationStatus(new WatchReplicationStatusRequest { Version = missing }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => client.ListReplicasAsync(new ListReplicasRequest { Parent = missing }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => client.GetReplicaAsync(new GetReplicaRequest { Name = missing + "/replicas/westus-0" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        foreach (var name in new[] { "", "x", House.Definition, $"/{missing}", new string('x', 10_000) })
        {
            await Refused.WithAsync(
                () => client.GetReplicationStatusAsync(new GetReplicationStatusRequest { Version = name }),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
            await Refused.WithAsync(
                () => client.WatchReplicationStatus(new WatchReplicationStatusRequest { Version = name }),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
            await Refused.WithAsync(
                () => client.ListReplicasAsync(new ListReplicasRequest { Parent = name }),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
            await Refused.WithAsync(
                () => client.GetReplicaAsync(new GetReplicaRequest { Name = name }),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
            await Refused.WithAsync(
                () => client.RetryRegionAsync(new RetryRegionRequest { Version = name, Region = "westus" }),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
        }

        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        await house.UntilCompletedAsync(version.Name);
        await Refused.WithAsync(
            () => client.GetReplicaAsync(new GetReplicaRequest { Name = version.Name + "/replicas/westus-1" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => client.ListReplicasAsync(new ListReplicasRequest { Parent = version.Name, Region = "mars" }),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        await Refused.WithAsync(
            () => client.ListReplicasAsync(new ListReplicasRequest { Parent = version.Name, PageSize = -1 }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => client.ListReplicasAsync(new ListReplicasRequest { Parent = version.Name, PageToken = "zzz" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => client.RetryRegionAsync(new RetryRegionRequest { Version = version.Name, Region = "mars" }),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        var stranger = new ReplicationService.ReplicationServiceClient(house.Host.ChannelAs(TestPrincipal.OtherOwner));
        await Refused.WithAsync(
            () => stranger.GetReplicationStatusAsync(new GetReplicationStatusRequest { Version = version.Name }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        await Refused.WithAsync(
            () => stranger.WatchReplicationStatus(new WatchReplicationStatusRequest { Version = missing }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );

        // Without Catalog, what is there is still told; what was never heard of is not made up.
        await house.Peers.StopAsync();
        var billing = new ReplicationService.ReplicationServiceClient(house.Host.ChannelAsService("billing"));
        Assert.Equal(
            100,
            (await billing.GetReplicationStatusAsync(new GetReplicationStatusRequest { Version = version.Name })).Status.Summary[0].Progress
        );
        await house.Peers.StartAgainAsync();
    }

    private static async Task<List<ReplicationStatus>> WatchAsync(
        ReplicationService.ReplicationServiceClient client,
        string version,
        bool untilSettled
    )
    {
        var seen = new List<ReplicationStatus>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        using var call = client.WatchReplicationStatus(
            new WatchReplicationStatusRequest { Version = version, UntilSettled = untilSettled },
            cancellationToken: limit.Token
        );
        while (await call.ResponseStream.MoveNext(limit.Token))
        {
            seen.Add(call.ResponseStream.Current.Status);
        }

        return seen;
    }
}
