using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Catalog.Tests;

[Collection(CatalogCollection.Name)]
public sealed class ReplicationEventTests(CatalogFixture fixture)
{
    private readonly Scenario _here = new(fixture);

    [Fact]
    public async Task Progress_is_shown_and_completion_succeeds()
    {
        var version = await _here.CreateVersionAsync();
        await _here.TellAsync(version, AggregatedReplicationState.InProgress);
        var progress = await Eventually.GetAsync(
            () => _here.GetVersionAsync(version.Name),
            now => now.ReplicationStatus.Summary[0].Progress == 40
        );
        Assert.Equal(ProvisioningState.Creating, progress.ProvisioningState);
        Assert.NotEqual(version.Etag, progress.Etag);
        await _here.TellAsync(version, AggregatedReplicationState.Completed);
        var done = await _here.SettledAsync(version.Name, ProvisioningState.Succeeded);
        Assert.Equal(
            (AggregatedReplicationState.Completed, 100, 1L),
            (done.ReplicationStatus.AggregatedState, done.ReplicationStatus.Summary[0].Progress, done.ReplicationStatus.Generation)
        );
        Assert.Equal(version.UpdateTime, done.UpdateTime);
    }

    [Fact]
    public async Task A_retry_after_failure_succeeds()
    {
        var version = await _here.CreateVersionAsync();
        await _here.TellAsync(version, AggregatedReplicationState.Failed);
        Assert.Equal("westus: The disk is broken.", (await _here.SettledAsync(version.Name, ProvisioningState.Failed)).ProvisioningDetails);
        await _here.TellAsync(version, AggregatedReplicationState.InProgress);
        await _here.HandledAsync();
        Assert.Equal(ProvisioningState.Failed, (await _here.GetVersionAsync(version.Name)).ProvisioningState);
        await _here.TellAsync(version, AggregatedReplicationState.Completed);
        Assert.Equal("", (await _here.SettledAsync(version.Name, ProvisioningState.Succeeded)).ProvisioningDetails);
    }

    [Fact]
    public async Task The_same_event_twice_changes_nothing_the_second_time()
    {
        var version = await _here.CreateReadyVersionAsync();
        var activity = (await _here.ActivityAsync()).Count;
        await _here.TellAsync(version, AggregatedReplicationState.Completed);
        await _here.HandledAsync();
        Assert.Equal(version, await _here.GetVersionAsync(version.Name));
        Assert.Equal(activity, (await _here.ActivityAsync()).Count);
    }

    [Fact]
    public async Task What_was_told_earlier_does_not_undo_what_was_told_later()
    {
        var version = await _here.CreateReadyVersionAsync();

        // A delivery that failed comes again later: from the dead letters, with the time at which it was told.
        var handler = new Handler(fixture);
        var earlier = Delivery(version, AggregatedReplicationState.Failed, "rep:{p00}:events", "1-0");
        await handler.HandleAsync(earlier);
        await handler.HandleAsync(earlier with { Stream = "cat:{p00}:redrive:rep", EntryId = "99999999999999-0" });

        Assert.Equal(version, await _here.GetVersionAsync(version.Name));
    }

    [Fact]
    public async Task A_status_that_is_appended_to_the_stream_again_does_not_undo_a_newer_one()
    {
        var version = await _here.CreateVersionAsync();
        await _here.TellAsync(version, AggregatedReplicationState.InProgress, told => told.Sequence = 1);
        await _here.TellAsync(version, AggregatedReplicationState.Completed, told => told.Sequence = 2);
        var done = await _here.SettledAsync(version.Name, ProvisioningState.Succeeded);

        await _here.TellAsync(version, AggregatedReplicationState.Completed, told => told.Sequence = 2);
        await _here.TellAsync(version, AggregatedReplicationState.InProgress, told => told.Sequence = 1);
        await _here.HandledAsync();
        Assert.Equal(done, await _here.GetVersionAsync(version.Name));

        // A reminder has no number, and counts.
        await _here.TellAsync(version, AggregatedReplicationState.Failed);
        await _here.SettledAsync(version.Name, ProvisioningState.Failed);
    }

    [Fact]
    public async Task Other_incarnations_generations_and_resources_are_ignored()
    {
        var version = await _here.CreateVersionAsync();
        await _here.TellAsync(version, AggregatedReplicationState.Completed, told => told.VersionUid = Guid.NewGuid().ToString());
        await _here.TellAsync(version, AggregatedReplicationState.Completed, told => told.Generation = 0);
        await _here.TellAsync(version, AggregatedReplicationState.Completed, told => told.Generation = 2);
        await _here.TellAsync(version, AggregatedReplicationState.Completed, told => told.Version += "9");
        await _here.TellAsync(version, AggregatedReplicationState.Completed, told => told.Version = "nonsense");
        await _here.EmitAsync(
            new EventEnvelope
            {
                Subject = version.Name,
                VersionRetired = new VersionRetired { Version = "nonsense" },
            }
        );
        await _here.EmitAsync(
            new EventEnvelope
            {
                Subject = version.Name,
                RegionStateChanged = new RegionStateChanged { Region = "westus", State = "up" },
            }
        );
        await _here.EmitAsync(new EventEnvelope { Subject = version.Name });
        await _here.HandledAsync();
        Assert.Equal(version, await _here.GetVersionAsync(version.Name));
    }

    [Fact]
    public async Task A_repair_of_what_succeeded_shows_in_the_rows_only()
    {
        var version = await _here.CreateReadyVersionAsync();
        await _here.TellAsync(version, AggregatedReplicationState.InProgress);
        var now = await Eventually.GetAsync(
            () => _here.GetVersionAsync(version.Name),
            found => found.ReplicationStatus.AggregatedState == AggregatedReplicationState.InProgress
        );
        Assert.Equal(ProvisioningState.Succeeded, now.ProvisioningState);
    }

    [Fact]
    public async Task A_watcher_sees_the_version_at_once_then_its_changes_and_its_end()
    {
        var version = await _here.CreateVersionAsync();
        using var watch = _here.Versions.WatchImageVersion(new WatchImageVersionRequest { Name = version.Name });
        var stream = watch.ResponseStream;
        Assert.True(await stream.NextAsync());
        Assert.Equal(version, stream.Current.ImageVersion);

        await _here.TellAsync(version, AggregatedReplicationState.Completed);
        Assert.True(await stream.NextAsync());
        Assert.Equal(ProvisioningState.Succeeded, stream.Current.ImageVersion.ProvisioningState);

        var deleting = (await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name })).ImageVersion;
        Assert.True(await stream.NextAsync());
        Assert.Equal(deleting, stream.Current.ImageVersion);

        await _here.RetireAsync(deleting);
        await Refused.WithAsync(async () => await stream.NextAsync(), StatusCode.NotFound, ErrorReason.ResourceNotFound);
    }

    [Fact]
    public async Task A_watch_until_settled_ends_by_itself()
    {
        var version = await _here.CreateVersionAsync();
        using var watch = _here.Versions.WatchImageVersion(new WatchImageVersionRequest { Name = version.Name, UntilSettled = true });
        List<ProvisioningState> seen = [];
        var reading = Task.Run(async () =>
        {
            await foreach (var response in watch.ResponseStream.ReadAllAsync())
            {
                seen.Add(response.ImageVersion.ProvisioningState);
            }
        });
        await _here.TellAsync(version, AggregatedReplicationState.InProgress);
        await _here.HandledAsync();
        Assert.False(reading.IsCompleted);
        await _here.TellAsync(version, AggregatedReplicationState.Failed);
        await reading.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(ProvisioningState.Creating, seen[0]);
        Assert.Equal(ProvisioningState.Failed, seen[^1]);
        await Refused.WithAsync(
            () => _here.Versions.WatchImageVersion(new WatchImageVersionRequest { Name = version.Name + "9" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
    }

    [Fact]
    public async Task A_watch_does_not_keep_the_service_from_stopping()
    {
        var version = await _here.CreateVersionAsync();
        var host = await fixture.StartHostAsync();
        var client = new ImageVersionService.ImageVersionServiceClient(host.ChannelAs(TestPrincipal.Owner));
        using var watch = client.WatchImageVersion(new WatchImageVersionRequest { Name = version.Name });
        Assert.True(await watch.ResponseStream.NextAsync());

        var stopping =
            Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<Microsoft.Extensions.Hosting.IHostApplicationLifetime>(
                host.Services
            );
        stopping.StopApplication();
        await Refused.WithAsync(
            async () => await watch.ResponseStream.NextAsync(),
            StatusCode.Unavailable,
            ErrorReason.DependencyUnavailable
        );
        await host.DisposeAsync();
    }

    [Fact]
    public async Task A_watch_ends_when_the_right_to_it_does()
    {
        var version = await _here.CreateVersionAsync();
        using var watch = _here.As(TestPrincipal.Reader).Versions.WatchImageVersion(new WatchImageVersionRequest { Name = version.Name });
        Assert.True(await watch.ResponseStream.NextAsync());
        var before = fixture.Access.Decide;
        fixture.Access.Decide = (principal, action, resource) =>
            principal.ObjectId != TestPrincipal.Reader.ObjectId && before(principal, action, resource);
        try
        {
            await Task.Delay(TimeSpan.FromSeconds(1)); // Decisions are remembered for almost a second.
            await _here.TellAsync(version, AggregatedReplicationState.Completed);
            await Refused.WithAsync(
                async () => await watch.ResponseStream.NextAsync(),
                StatusCode.PermissionDenied,
                ErrorReason.AuthorizationFailed
            );
        }
        finally
        {
            fixture.Access.Decide = before;
        }
    }

    private static ServiceDefaults.Events.EventDelivery Delivery(
        ImageVersion version,
        AggregatedReplicationState state,
        string stream,
        string id
    ) =>
        new(
            new EventEnvelope
            {
                Time = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTime(DateTime.UnixEpoch),
                ReplicationStatusChanged = new ReplicationStatusChanged
                {
                    Version = version.Name,
                    VersionUid = version.Uid,
                    Generation = version.Generation,
                    AggregatedState = state,
                },
            },
            stream,
            "catalog",
            "test",
            id,
            2
        );

    private sealed class Handler(CatalogFixture fixture)
    {
        public async Task HandleAsync(ServiceDefaults.Events.EventDelivery delivery)
        {
            await using var scope = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.CreateAsyncScope(
                fixture.Host.Services
            );
            var handler =
                Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<ImageVersions.ReplicationEvents>(
                    scope.ServiceProvider
                );
            await handler.HandleAsync(delivery, CancellationToken.None);
        }
    }
}
