using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.ServiceDefaults.Errors;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Replication.Tests;

public sealed class ReplicaWatchTests
{
    [Fact]
    public async Task Each_replica_is_told_from_queued_to_ready_with_its_rate_and_the_stream_ends_when_all_are_there()
    {
        await using var house = await House.StartAsync();
        // The node goes on when the watcher has seen how far it is, and tells it again and again until then, as nodes do.
        var shown = (Copied: -1L, Verifying: false);
        house["eastus"].OnPull = async pull =>
        {
            for (var step = 0; pull.Request.Store.Ordinal == 0 && step <= 4; step++)
            {
                var (copied, verifying) = (House.Occupied * step / 4, step == 4);
                house.Time.Advance(TimeSpan.FromSeconds(step > 0 ? 1 : 0));
                while (shown != (copied, verifying))
                {
                    await pull.TellAsync(copied, verifying ? NodeReplicaState.Verifying : NodeReplicaState.Copying, copied);
                    await Task.Delay(50, pull.Cancellation);
                }
            }
        };
        var version = await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 2));
        var seen = await WatchAsync(
            house,
            new WatchReplicasRequest { Parent = version.Name, Wait = ReplicaWait.AllRegions },
            message =>
            {
                if (
                    message.Replicas.FirstOrDefault(replica => replica is { Region: "eastus", Ordinal: 0 }) is
                    { State: ReplicaState.Copying or ReplicaState.Verifying } replica
                )
                {
                    shown = (replica.CopiedBytes, replica.State == ReplicaState.Verifying);
                }
            }
        );
        Assert.True(seen[^1].Fulfilled);
        Assert.All(seen.SkipLast(1), message => Assert.False(message.Fulfilled));
        var first = seen.SelectMany(message => message.Replicas).Where(replica => replica is { Region: "eastus", Ordinal: 0 }).ToList();
        var states = first.Select(replica => replica.State).ToList();
        Assert.Equal(states.Order(), states); // It never goes back.
        Assert.Contains(ReplicaState.Copying, states);
        Assert.Contains(ReplicaState.Verifying, states);
        Assert.Equal(ReplicaState.Ready, states[^1]);
        // A quarter a second: after two of four quarters, two seconds are left.
        var middle = first.First(replica => replica.CopiedBytes == House.Occupied / 2);
        Assert.Equal((House.Occupied / 4, 2), (middle.BytesPerSecond, middle.TimeLeft.Seconds));
        Assert.Equal((0, (Google.Protobuf.WellKnownTypes.Duration?)null), (first[^1].BytesPerSecond, first[^1].TimeLeft));

        // Told once more, it is all there at once.
        var again = await WatchAsync(house, new WatchReplicasRequest { Parent = version.Name, Wait = ReplicaWait.AnyRegion });
        Assert.Equal(3, Assert.Single(again).Replicas.Count);
    }

    [Fact]
    public async Task A_watcher_who_comes_back_with_its_token_is_told_what_changed_and_nothing_else()
    {
        await using var house = await House.StartAsync();
        var version = await house.PublishAsync("1.0.0", ("westus", 2), ("eastus", 1));
        await house.UntilCompletedAsync(version.Name);
        var token = (await WatchAsync(house, new WatchReplicasRequest { Parent = version.Name, Wait = ReplicaWait.AllRegions }))[
            ^1
        ].ResumeToken;
        var resume = new WatchReplicasRequest
        {
            Parent = version.Name,
            Wait = ReplicaWait.AllRegions,
            ResumeToken = token,
        };
        var nothing = Assert.Single(await WatchAsync(house, resume));
        Assert.Empty(nothing.Replicas);
        Assert.True(nothing.Fulfilled);

        await house.RetargetAsync(version.Name, ("westus", 1), ("northeurope", 1));
        await house.UntilAsync(
            version.Name,
            status => status is { Generation: 2, Summary.Count: 2, AggregatedState: AggregatedReplicationState.Completed }
        );
        await Eventually.Async(async () => (await house.ReplicasAsync(version.Name)).Count == 2, what: "the dropped ones to be freed");
        // Another process can go on, too: nothing is remembered but in the token.
        await house.StopInstanceAsync(house.Host);
        await house.StartInstanceAsync();
        var news = Assert.Single(await WatchAsync(house, resume));
        Assert.Equal(["northeurope"], news.Replicas.Select(replica => replica.Region));
        Assert.Equal(2, news.RemovedUids.Count);
        Assert.All(news.RemovedUids, uid => Assert.StartsWith(version.Uid + ".", uid, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wait_ends_when_the_named_regions_are_there_and_fails_when_they_can_not_be()
    {
        await using var house = await House.StartAsync();
        house["eastus"].OnPull = pull => pull.HangAsync();
        house["northeurope"].OnPull = pull => pull.HangAsync();
        var version = await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 1), ("northeurope", 1));
        var home = await WatchAsync(house, Wait(version.Name, ReplicaWait.AllRegions, "West US"));
        Assert.True(home[^1].Fulfilled);
        Assert.All(home.SelectMany(message => message.Replicas), replica => Assert.Equal("westus", replica.Region));
        Assert.True((await WatchAsync(house, Wait(version.Name, ReplicaWait.AnyRegion)))[^1].Fulfilled);

        var both = WatchAsync(house, Wait(version.Name, ReplicaWait.AllRegions));
        var either = WatchAsync(house, Wait(version.Name, ReplicaWait.AnyRegion, "eastus", "northeurope"));
        await Eventually.Async(() => house["eastus"].Pulls.Count + house["northeurope"].Pulls.Count == 2);
        await house.Replication.CancelReplicationAsync(new CancelReplicationRequest { Version = version.Name, Region = "eastus" });
        await Refused.WithAsync(() => both, StatusCode.FailedPrecondition, ErrorReason.ReplicationEnded);
        Assert.False(either.IsCompleted); // The other one may still come.
        house["northeurope"].OnPull = _ => throw GalleryError.Create(StatusCode.NotFound, ErrorReason.ContentNotFound, "gone");
        await house.Replication.CancelReplicationAsync(new CancelReplicationRequest { Version = version.Name });
        var error = await Refused.WithAsync(() => either, StatusCode.FailedPrecondition, ErrorReason.ReplicationEnded);
        Assert.Contains("eastus was cancelled; northeurope was cancelled", error.Message, StringComparison.Ordinal);
        await Refused.WithAsync(
            () => WatchAsync(house, Wait(version.Name, ReplicaWait.AllRegions, "australiacentral")),
            StatusCode.FailedPrecondition,
            ErrorReason.ReplicationEnded
        );
    }

    [Fact]
    public async Task Wrong_watches_are_refused()
    {
        await using var house = await House.StartAsync();
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        await house.UntilCompletedAsync(version.Name);
        var other = await house.PublishAsync("2.0.0", ("westus", 1));
        await house.UntilCompletedAsync(other.Name);
        var token = (await WatchAsync(house, Wait(version.Name, ReplicaWait.AnyRegion)))[^1].ResumeToken;
        foreach (
            var wrong in new[]
            {
                new WatchReplicasRequest { Parent = "x" },
                new WatchReplicasRequest { Parent = version.Name, Wait = (ReplicaWait)9 },
                new WatchReplicasRequest { Parent = version.Name, ResumeToken = "!" },
                new WatchReplicasRequest { Parent = version.Name, ResumeToken = "AAAA" },
                new WatchReplicasRequest { Parent = version.Name, ResumeToken = new string('A', 100_000) },
                new WatchReplicasRequest { Parent = other.Name, ResumeToken = token },
                new WatchReplicasRequest
                {
                    Parent = version.Name,
                    Regions = { "eastus" },
                    ResumeToken = token,
                },
                new WatchReplicasRequest { Parent = version.Name, Regions = { Enumerable.Repeat("westus", 101) } },
            }
        )
        {
            await Refused.WithAsync(() => WatchAsync(house, wrong), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);
        }

        await Refused.WithAsync(
            () => WatchAsync(house, new WatchReplicasRequest { Parent = House.VersionName("9.9.9") }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        var stranger = new ReplicationService.ReplicationServiceClient(house.Host.ChannelAs(TestPrincipal.OtherOwner));
        await Refused.WithAsync(
            () => stranger.WatchReplicas(new WatchReplicasRequest { Parent = version.Name }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }

    private static WatchReplicasRequest Wait(string version, ReplicaWait wait, params string[] regions) =>
        new()
        {
            Parent = version,
            Wait = wait,
            Regions = { regions },
        };

    private static async Task<List<WatchReplicasResponse>> WatchAsync(
        House house,
        WatchReplicasRequest request,
        Action<WatchReplicasResponse>? onMessage = null
    )
    {
        var seen = new List<WatchReplicasResponse>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var call = house.Replication.WatchReplicas(request, cancellationToken: limit.Token);
        while (await call.ResponseStream.MoveNext(limit.Token))
        {
            seen.Add(call.ResponseStream.Current);
            onMessage?.Invoke(call.ResponseStream.Current);
        }

        return seen;
    }
}
