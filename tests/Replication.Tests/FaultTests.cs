using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Tests.Support;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Resilience;
using Gallery.TestKit;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Polly.CircuitBreaker;
using RegionalState = Gallery.Contracts.Common.V1.RegionalReplicationState;

namespace Gallery.Replication.Tests;

public sealed class FaultTests
{
    [Fact]
    public async Task While_a_region_is_down_the_others_finish_and_it_completes_by_itself_when_it_is_back()
    {
        await using var house = await House.StartAsync();
        await house.TakeDownAsync("eastus");
        var version = await house.PublishAsync("1.0.0", ("westus", 2), ("eastus", 2), ("northeurope", 1));
        var status = await house.UntilAsync(
            version.Name,
            status => status.Summary.Count(row => row.State == RegionalState.Completed) == 2 && status.Summary[1].Details.Length > 0
        );
        var row = status.Summary[1];
        Assert.Matches(@"^eastus does not answer \(connection refused\); attempt \d+, next (in \d+ s|at once)$", row.Details);
        Assert.Equal((RegionalState.Replicating, 0, 0), (row.State, row.Progress, row.ReadyReplicaCount));
        Assert.NotNull(row.RetryTime);
        Assert.Equal(AggregatedReplicationState.InProgress, status.AggregatedState);

        // The wait grows, and the row tells of each attempt.
        var attempts = (await house.ReplicasAsync(version.Name)).First(replica => replica.Region == "eastus").AttemptCount;
        await Eventually.Async(
            async () =>
            {
                house.Time.Advance(TimeSpan.FromSeconds(5));
                return (await house.ReplicasAsync(version.Name)).First(replica => replica.Region == "eastus").AttemptCount > attempts + 1;
            },
            what: "further attempts"
        );

        // No clock is moved on from here: that the region is back is what wakes the work.
        await house.BringBackAsync("eastus");
        status = await house.UntilCompletedAsync(version.Name);
        Assert.Equal("", status.Summary[1].Details);
    }

    [Fact]
    public async Task A_region_that_holds_the_only_copy_holds_up_the_others_until_it_is_back()
    {
        await using var house = await House.StartAsync();
        var version = await house.WantAsync("1.0.0", ("westus", 1), ("eastus", 1));
        await house.TakeDownAsync("westus");
        await house.TellAsync(version, ChangeType.Created);
        var status = await house.UntilAsync(
            version.Name,
            status => status.Summary.Count == 2 && status.Summary.All(row => row.Details.Length > 0)
        );
        Assert.StartsWith("westus, which holds its content, does not answer", status.Summary[1].Details, StringComparison.Ordinal);
        Assert.Empty(house["eastus"].Pulls);
        await house.BringBackAsync("westus");
        await house.UntilCompletedAsync(version.Name);
    }

    [Fact]
    public async Task The_circuit_of_one_region_opens_and_no_other_notices()
    {
        await using var house = await House.StartAsync(
            ("Resilience:region-eastus:MinimumThroughput", "3"),
            ("Resilience:region-eastus:BreakDuration", "00:00:20")
        );
        house["eastus"].OnPull = _ => throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "overloaded"));
        var version = await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 1), ("northeurope", 1));
        var circuits = house.Host.Services.GetRequiredService<CircuitStates>();
        await Eventually.Async(() => circuits.StateOf("region-eastus") == CircuitState.Open, what: "the circuit to open");
        Assert.Equal(CircuitState.Closed, circuits.StateOf("region-westus"));
        await house.UntilAsync(version.Name, status => status.Summary[0].Progress == 100 && status.Summary[2].Progress == 100);
        var asked = house["eastus"].Pulls.Count;
        house.Time.Advance(TimeSpan.FromSeconds(60));
        var status = await house.UntilAsync(
            version.Name,
            status => status.Summary[1].Details.Contains("suspended", StringComparison.Ordinal)
        );
        Assert.Equal(RegionalState.Replicating, status.Summary[1].State);
        Assert.Equal(asked, house["eastus"].Pulls.Count); // Nothing was sent while it was open.
    }

    [Fact]
    public async Task A_quick_hiccup_is_bridged_within_the_attempt()
    {
        await using var house = await House.StartAsync();
        var left = 2;
        house["westus"].OnPull = _ =>
            Interlocked.Decrement(ref left) >= 0
                ? throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "busy"))
                : Task.CompletedTask;
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        await house.UntilCompletedAsync(version.Name);
        Assert.Equal(1, (await house.ReplicasAsync(version.Name)).Single().AttemptCount);
        Assert.Equal(3, house["westus"].Pulls.Count);
    }

    [Fact]
    public async Task A_worker_that_dies_is_followed_by_another_and_what_it_says_later_counts_for_nothing()
    {
        await using var house = await House.StartAsync();
        house["westus"].OnPull = pull => pull.HangAsync();
        var queue = house.Host.Services.GetRequiredService<WorkQueue>();
        var version = await house.WantAsync("1.0.0", ("westus", 1));
        await house.TakeDownAsync("westus"); // So that the house's own workers leave it to the test.
        await house.StatusAsync(version.Name);
        await house.UntilAsync(version.Name, status => status.Summary[0].Details.Length > 0);

        // The dead worker: it claims, and is not heard of again.
        var first = await Eventually.GetAsync(() => ClaimAsync(house, queue, version.Name), claimed => claimed is not null);
        house["westus"].OnPull = _ => Task.CompletedTask;
        await house.BringBackAsync("westus");
        await Eventually.Async(async () => await house.StateOfAsync("westus") == RegionState.Up);
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.Equal(0, (await house.StatusAsync(version.Name)).Summary[0].ReadyReplicaCount); // Its lease holds.
        Assert.Equal(ReplicaState.Copying, (await house.ReplicasAsync(version.Name)).Single().State);
        Assert.True(await queue.KeepAsync(first!, new ProgressRecord { Token = first!.Token, CopiedBytes = 1000 }, default));
        Assert.Equal(1000, (await house.StatusAsync(version.Name)).Summary[0].CopiedBytes);

        house.Time.Advance(TimeSpan.FromSeconds(16));
        await house.UntilCompletedAsync(version.Name);
        var second = house["westus"].Pulls[^1];
        Assert.True(second.FencingToken > first.Token);
        Assert.False(await queue.KeepAsync(first, new ProgressRecord { Token = first.Token, CopiedBytes = 1 }, default));
        Assert.Null(await queue.CompleteAsync(first, new CompletedCopy(12345, "mars", Documents.Now, Documents.Now), default));
        Assert.Null(await queue.FailAsync(first, new WorkFailure("stale"), default));
        var replica = (await house.ReplicasAsync(version.Name)).Single();
        Assert.Equal(
            (ReplicaState.Ready, "westus", 0, ""),
            (replica.State, replica.SourceRegion, replica.TransferredBytes, replica.Details)
        );
        Assert.Single(await house.EventsAsync(version.Name), told => told.ReplicaChanged is not null);
    }

    [Fact]
    public async Task A_node_that_knows_a_newer_worker_is_asked_again_until_the_token_has_grown()
    {
        await using var house = await House.StartAsync();
        var fenced = 3;
        house["westus"].OnPull = _ =>
            Interlocked.Decrement(ref fenced) >= 0
                ? throw GalleryError.Create(StatusCode.FailedPrecondition, ErrorReason.Fenced, "A newer holder has taken over.")
                : Task.CompletedTask;
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        await Eventually.Async(async () =>
        {
            house.Time.Advance(TimeSpan.FromSeconds(10));
            return (await house.StatusAsync(version.Name)).AggregatedState == AggregatedReplicationState.Completed;
        });
        Assert.Equal([1, 2, 3, 4], house["westus"].Pulls.Select(pull => pull.FencingToken));
    }

    [Fact]
    public async Task A_pull_that_breaks_off_goes_on_and_its_row_does_not_go_back()
    {
        await using var house = await House.StartAsync();
        var turns = 0;
        house["westus"].OnPull = async pull =>
        {
            if (Interlocked.Increment(ref turns) == 1)
            {
                await pull.TellAsync(House.Occupied / 2);
                await Task.Delay(600);
                await pull.TellAsync((House.Occupied / 2) + 1);
                throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "going down"));
            }

            await pull.TellAsync(0);
            await Task.Delay(700);
            await pull.TellAsync(House.Occupied, NodeReplicaState.Verifying);
            await Task.Delay(700);
        };
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        var status = await house.UntilAsync(version.Name, status => status.Summary[0].Details.Length > 0);
        Assert.Equal(50, status.Summary[0].Progress);
        house.Time.Advance(TimeSpan.FromSeconds(2));
        await Eventually.Async(async () => (await house.ReplicasAsync(version.Name)).Single().State == ReplicaState.Copying);
        Assert.True((await house.StatusAsync(version.Name)).Summary[0].Progress >= 50);
        await Eventually.Async(
            async () => (await house.ReplicasAsync(version.Name)).Single().State == ReplicaState.Verifying,
            what: "verifying"
        );
        Assert.Equal(99, (await house.StatusAsync(version.Name)).Summary[0].Progress);
        await house.UntilCompletedAsync(version.Name);
    }

    [Fact]
    public async Task A_node_that_falls_silent_is_given_up_and_asked_again()
    {
        await using var house = await House.StartAsync(("Work:SilenceLimit", "00:00:00.5"));
        var turns = 0;
        house["westus"].OnPull = async pull =>
        {
            if (Interlocked.Increment(ref turns) == 1)
            {
                await pull.TellAsync(10);
                await pull.HangAsync();
            }
        };
        var version = await house.PublishAsync("1.0.0", ("westus", 1));
        var status = await house.UntilAsync(version.Name, status => status.Summary[0].Details.Length > 0);
        Assert.StartsWith("westus does not answer (no answer in time); attempt 1", status.Summary[0].Details, StringComparison.Ordinal);
        house.Time.Advance(TimeSpan.FromSeconds(2));
        await house.UntilCompletedAsync(version.Name);
    }

    [Fact]
    public async Task A_replica_is_given_up_after_the_budget_and_a_retry_takes_it_up()
    {
        await using var house = await House.StartAsync(("Work:RetryBudget", "00:01:00"));
        house["eastus"].OnPull = _ =>
            throw GalleryError.Create(StatusCode.ResourceExhausted, ErrorReason.StorageExhausted, "The zone is full.");
        var version = await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 2));
        await house.UntilAsync(version.Name, status => status.Summary[0].State == RegionalState.Completed);
        await Eventually.Async(async () =>
        {
            house.Time.Advance(TimeSpan.FromSeconds(10));
            return (await house.StatusAsync(version.Name)).AggregatedState == AggregatedReplicationState.Failed;
        });
        var status = await house.StatusAsync(version.Name);
        Assert.Matches("^eastus has no room left: The zone is full; given up after \\d+ attempts?$", status.Summary[1].Details);
        Assert.Equal(RegionalState.Completed, status.Summary[0].State);
        var events = await house.EventsAsync(version.Name);
        Assert.Equal(2, events.Count(told => told.ReplicaChanged is { State: ReplicaState.Failed }));

        house["eastus"].OnPull = _ => Task.CompletedTask;
        var reader = new ReplicationService.ReplicationServiceClient(house.Host.ChannelAs(TestPrincipal.Reader));
        var retry = new RetryRegionRequest { Version = version.Name, Region = "East US" };
        await Refused.WithAsync(() => reader.RetryRegionAsync(retry), StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
        var reset = (await house.Replication.RetryRegionAsync(retry)).Status;
        Assert.NotEqual(AggregatedReplicationState.Failed, reset.AggregatedState);
        await house.UntilCompletedAsync(version.Name);
        Assert.Equal(AggregatedReplicationState.Completed, (await house.Replication.RetryRegionAsync(retry)).Status.AggregatedState);
    }

    [Fact]
    public async Task A_lost_event_costs_time_and_nothing_else()
    {
        await using var house = await House.StartAsync(("Reconcile:SweepInterval", "00:00:00.3"));
        var version = await house.WantAsync("1.0.0", ("westus", 1));
        var other = await house.WantAsync("1.0.1", ("eastus", 1));
        await Eventually.Async(async () => (await house.EventsAsync(version.Name)).Any(told => told.ReplicationStatusChanged is not null));
        await Eventually.Async(async () => (await house.EventsAsync(other.Name)).Any(told => told.ReplicationStatusChanged is not null));

        // What Catalog does not seem to have heard is told again, until it has.
        var told = (await house.EventsAsync(version.Name)).Count(told => told.ReplicationStatusChanged is not null);
        await Eventually.Async(async () =>
            (await house.EventsAsync(version.Name)).Count(told => told.ReplicationStatusChanged is not null) > told
        );
        house.Catalog.Change(version.Name, wanted => wanted.ProvisioningState = ProvisioningState.Succeeded, nextGeneration: false);

        // A version that Catalog has forgotten is dropped; one that it only did not list is not.
        house.Catalog.Lists = false;
        await Task.Delay(700);
        Assert.Single(await house.ReplicasAsync(version.Name));
        house.Catalog.Forget(other.Name);
        await Eventually.Async(async () => (await house.EventsAsync(other.Name)).Any(told => told.VersionRetired is not null));
        await Eventually.Async(() => house["eastus"].Replicas.Count == 0);
    }

    [Fact]
    public async Task Bytes_in_a_region_that_is_away_are_freed_when_it_is_back_and_nobody_waits_for_it()
    {
        await using var house = await House.StartAsync();
        var version = await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 1));
        await house.UntilCompletedAsync(version.Name);
        await house.TakeDownAsync("eastus");
        await house.RetargetAsync(version.Name, ("westus", 1));
        var status = await house.UntilAsync(
            version.Name,
            status =>
                status is { Generation: 2, Summary.Count: 2 } && status.Summary[1].Details.Contains("attempt", StringComparison.Ordinal)
        );
        Assert.Equal(AggregatedReplicationState.Completed, status.AggregatedState);
        Assert.StartsWith("dropped: eastus does not answer", status.Summary[1].Details, StringComparison.Ordinal);
        Assert.Equal(ReplicaState.Deleting, (await house.ReplicasAsync(version.Name)).Single(replica => replica.Region == "eastus").State);

        await house.ChangeAsync(version.Name, wanted => wanted.ProvisioningState = ProvisioningState.Deleting, ChangeType.Deleting);
        await Eventually.Async(
            async () => (await house.EventsAsync(version.Name)).Any(told => told.VersionRetired is not null),
            what: "the version to retire all the same"
        );
        await house.BringBackAsync("eastus");
        await Eventually.Async(() => house.Keys("1.0.0").Count == 0, what: "the bytes to be freed");
        Assert.Empty(house["eastus"].Replicas);
    }

    [Fact]
    public async Task Two_instances_share_the_work_and_an_instance_that_stops_hands_it_over()
    {
        await using var house = await House.StartAsync(("Work:CopiesPerRegion", "2"));
        var second = await house.StartInstanceAsync();
        var release = new TaskCompletionSource();
        house["westus"].OnPull = pull => release.Task.WaitAsync(pull.Cancellation);
        var versions = new List<string>();
        foreach (var number in Enumerable.Range(0, 4))
        {
            versions.Add((await house.PublishAsync($"1.0.{number}", ("westus", 1))).Name);
        }

        // Each instance makes two copies at a time in a region, and no replica is made twice.
        await Eventually.Async(() => house["westus"].Pulls.Count == 4, what: "all to be worked on");
        Assert.Equal(4, house["westus"].Pulls.Select(pull => pull.ReplicaId).Distinct().Count());
        await house.StopInstanceAsync(second);
        release.SetResult();
        await Eventually.Async(
            async () =>
                (await Task.WhenAll(versions.Select(house.ReplicasAsync))).All(replicas => replicas.Single().State == ReplicaState.Ready),
            what: "the work of the stopped instance to be done by the other"
        );
        Assert.Equal(6, house["westus"].Pulls.Count);
        Assert.All(
            house["westus"].Pulls.GroupBy(pull => pull.ReplicaId),
            pulls => Assert.Equal(pulls.Count(), pulls.Select(pull => pull.FencingToken).Distinct().Count())
        );
    }

    [Fact]
    public async Task When_redis_dies_and_comes_back_everything_goes_on()
    {
        await using var house = await House.StartAsync();
        var first = await house.PublishAsync("1.0.0", ("westus", 1), ("eastus", 1));
        await house.UntilCompletedAsync(first.Name);
        await house.Redis.KillAsync();
        await Refused.WithAsync(() => house.StatusAsync(first.Name), StatusCode.Unavailable, ErrorReason.DependencyUnavailable);
        await house.RestartRedisAsync();
        await Eventually.Async(
            async () =>
            {
                try
                {
                    return (await house.StatusAsync(first.Name)).AggregatedState == AggregatedReplicationState.Completed;
                }
                catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(20),
            "the service to find Redis again"
        );
        var second = await house.PublishAsync("2.0.0", ("westus", 1), ("eastus", 1));
        await house.UntilAsync(
            second.Name,
            status => status.AggregatedState == AggregatedReplicationState.Completed,
            TimeSpan.FromSeconds(20)
        );
    }

    private static async Task<ClaimedReplica?> ClaimAsync(House house, WorkQueue queue, string version)
    {
        house.Time.Advance(TimeSpan.FromSeconds(31));
        Assert.True(ResourceName.TryParse(version, out var name));
        var replica = (await house.ReplicasAsync(version)).Single();
        var candidate = new Candidate(House.Subscription, Rank.FirstSmall, 0, VersionKeys.Member(name, replica.Uid));
        return await queue.TryClaimAsync(Lane.Copy, "westus", candidate, default);
    }
}
