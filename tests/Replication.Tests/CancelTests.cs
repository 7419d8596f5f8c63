using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;
using RegionalState = Gallery.Contracts.Common.V1.RegionalReplicationState;

namespace Gallery.Replication.Tests;

public sealed class CancelTests
{
    [Fact]
    public async Task A_cancelled_region_ends_its_work_and_says_so_and_a_retry_goes_on_from_there()
    {
        await using var house = await House.StartAsync();
        house["eastus"].OnPull = async pull =>
        {
            await pull.TellAsync(House.Occupied / 4, transferred: House.Occupied / 4);
            await pull.HangAsync();
        };
        var version = await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 2));
        await house.UntilAsync(
            version.Name,
            status => status.Summary[0].State == RegionalState.Completed && status.Summary[1].CopiedBytes > 0
        );
        var running = house["eastus"].Pulls.Single();

        var status = (
            await house.Replication.CancelReplicationAsync(new CancelReplicationRequest { Version = version.Name, Region = "East US" })
        ).Status;
        Assert.Equal([RegionalState.Completed, RegionalState.Cancelled], status.Summary.Select(row => row.State));
        Assert.Equal(AggregatedReplicationState.Failed, status.AggregatedState);
        Assert.StartsWith("cancelled", status.Summary[1].Details, StringComparison.Ordinal);
        Assert.Equal(House.Occupied / 4, status.Summary[1].CopiedBytes); // What was copied stays.
        await Eventually.Async(() => house["eastus"].Stops.Count == 1, what: "the node to be told");
        Assert.Equal(running.ReplicaId, house["eastus"].Stops.Single().ReplicaId);
        Assert.True(house["eastus"].Stops.Single().FencingToken > running.FencingToken);
        await house.UntilAsync(version.Name, status => status.Summary[1].Details == "cancelled");
        Assert.Single(
            await house.EventsAsync(version.Name),
            told => told.ReplicationStatusChanged is { AggregatedState: AggregatedReplicationState.Failed }
        );

        // Twice is no error, and nothing moves by itself.
        await house.Replication.CancelReplicationAsync(new CancelReplicationRequest { Version = version.Name });
        house.Time.Advance(TimeSpan.FromHours(1));
        await Task.Delay(500);
        Assert.Single(house["eastus"].Pulls);

        house["eastus"].OnPull = _ => Task.CompletedTask;
        await house.Replication.RetryRegionAsync(new RetryRegionRequest { Version = version.Name, Region = "eastus" });
        await house.UntilCompletedAsync(version.Name);
        var resumed = house["eastus"].Pulls[1];
        Assert.Equal((running.ReplicaId, House.Occupied / 4), (resumed.ReplicaId, resumed.TransferredBytes));
        Assert.True(resumed.FencingToken > house["eastus"].Stops.Single().FencingToken);
    }

    [Fact]
    public async Task All_regions_are_cancelled_together_and_what_was_never_begun_is_not_stopped_anywhere()
    {
        await using var house = await House.StartAsync();
        house["westus"].OnPull = pull => pull.HangAsync();
        await house.TakeDownAsync("eastus");
        var version = await house.PublishAsync("1.0.0", ("westus", 3), ("eastus", 1));
        await house.UntilAsync(version.Name, status => status.Summary[1].Details.Length > 0);
        await Eventually.Async(() => house["westus"].Pulls.Count == 1);
        var status = (await house.Replication.CancelReplicationAsync(new CancelReplicationRequest { Version = version.Name })).Status;
        Assert.All(status.Summary, row => Assert.Equal(RegionalState.Cancelled, row.State));
        await Eventually.Async(() => house["westus"].Stops.Count == 1);
        Assert.All(await house.ReplicasAsync(version.Name), replica => Assert.Equal(ReplicaState.Cancelled, replica.State));

        // A node that is away is told when it is back.
        await house.UntilAsync(
            version.Name,
            status =>
                status
                    .Summary[1]
                    .Details.StartsWith("cancelled; its node is not told to stop yet: eastus does not answer", StringComparison.Ordinal)
        );
        await house.BringBackAsync("eastus");
        await Eventually.Async(() => house["eastus"].Stops.Count == 1);
        await house.UntilAsync(version.Name, status => status.Summary.All(row => row.Details == "cancelled"));

        // A change of the targets asks for them anew; what is no target any more is freed.
        house["westus"].OnPull = _ => Task.CompletedTask;
        await house.RetargetAsync(version.Name, ("westus", 2));
        await house.UntilCompletedAsync(version.Name);
        await Eventually.Async(() => house["eastus"].Deletes.Count == 1);
    }

    [Fact]
    public async Task A_region_dropped_while_it_is_being_copied_ends_its_copy_and_the_others_go_on()
    {
        await using var house = await House.StartAsync();
        var ended = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        house["eastus"].OnPull = async pull =>
        {
            await using (pull.Cancellation.Register(ended.SetResult))
            {
                await pull.HangAsync();
            }
        };
        house["northeurope"].OnPull = _ => go.Task;
        var version = await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 1), ("northeurope", 1));
        await Eventually.Async(() => house["eastus"].Pulls.Count == 1 && house["northeurope"].Pulls.Count == 1);
        await house.RetargetAsync(version.Name, ("westus", 2), ("northeurope", 1));
        await Eventually.Async(() => house["eastus"].Deletes.Count == 1, what: "the node to drop what it has");
        house.Time.Advance(TimeSpan.FromSeconds(6));
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20));
        go.SetResult();
        var status = await house.UntilCompletedAsync(version.Name);
        Assert.Equal(["westus", "northeurope"], status.Summary.Select(row => row.Region));
        Assert.Single(house["northeurope"].Pulls); // It was not begun anew.
    }

    [Fact]
    public async Task Wrong_orders_to_cancel_are_refused()
    {
        await using var house = await House.StartAsync();
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        await house.UntilCompletedAsync(version.Name);
        await Refused.WithAsync(
            () => house.Replication.CancelReplicationAsync(new CancelReplicationRequest { Version = "x" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => house.Replication.CancelReplicationAsync(new CancelReplicationRequest { Version = version.Name, Region = "mars" }),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
        await Refused.WithAsync(
            () => house.Replication.CancelReplicationAsync(new CancelReplicationRequest { Version = House.VersionName("9.9.9") }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        var reader = new ReplicationService.ReplicationServiceClient(house.Host.ChannelAs(TestPrincipal.Reader));
        await Refused.WithAsync(
            () => reader.CancelReplicationAsync(new CancelReplicationRequest { Version = version.Name }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        var status = (await house.Replication.CancelReplicationAsync(new CancelReplicationRequest { Version = version.Name })).Status;
        Assert.Equal(AggregatedReplicationState.Completed, status.AggregatedState); // What is complete stays.
    }
}
