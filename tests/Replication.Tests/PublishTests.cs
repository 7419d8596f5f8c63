using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.ServiceDefaults.Access;
using Gallery.TestKit;
using Grpc.Core;
using Microsoft.IdentityModel.JsonWebTokens;
using RegionalState = Gallery.Contracts.Common.V1.RegionalReplicationState;

namespace Gallery.Replication.Tests;

public sealed class PublishTests(SharedHouse shared) : IClassFixture<SharedHouse>
{
    private readonly House _house = shared.House;

    [Fact]
    public async Task A_published_version_reaches_every_region_in_the_counts_asked_for()
    {
        var version = await _house.PublishAsync("1.0.0", ("westus", 2), ("eastus", 2), ("northeurope", 1));
        var status = await _house.UntilCompletedAsync(version.Name);
        Assert.Equal(["westus", "eastus", "northeurope"], status.Summary.Select(row => row.Region));
        Assert.All(
            status.Summary,
            row => Assert.Equal((RegionalState.Completed, 100, row.TargetReplicaCount), (row.State, row.Progress, row.ReadyReplicaCount))
        );
        Assert.Equal([0, House.Occupied, House.Occupied], status.Summary.Select(row => row.TransferredBytes));
        Assert.Equal((version.Uid, 1), (status.VersionUid, status.Generation));

        var replicas = await _house.ReplicasAsync(version.Name);
        Assert.Equal(
            ["eastus-0", "eastus-1", "northeurope-0", "westus-0", "westus-1"],
            replicas.Select(replica => replica.Name[(version.Name.Length + "/replicas/".Length)..])
        );
        Assert.All(
            replicas,
            replica => Assert.Equal((ReplicaState.Ready, House.Occupied, 1), (replica.State, replica.CopiedBytes, replica.AttemptCount))
        );
        Assert.Equal($"{version.Uid}.eastus.1.1", replicas[1].Uid);
        Assert.Equal(
            replicas[1],
            (
                await _house.Replication.GetReplicaAsync(
                    new Contracts.Replication.V1.GetReplicaRequest { Name = $"{version.Name}/replicas/EastUS-1" }
                )
            ).Replica
        );

        var events = await _house.EventsAsync(version.Name);
        var ready = events.Where(told => told.ReplicaChanged is not null).Select(told => told.ReplicaChanged).ToList();
        Assert.Equal(5, ready.Count);
        Assert.All(
            ready,
            told => Assert.Equal((ReplicaState.Ready, House.Occupied, false), (told.State, told.OccupiedSizeBytes, told.RegionReAdded))
        );
        Assert.Equal(
            ["eastus-0", "northeurope-0"],
            ready.Where(told => told.FirstInRegion).Select(told => $"{told.Region}-{told.Ordinal}").Order()
        );
        Assert.All(ready, told => Assert.Equal(told.FirstInRegion ? House.Occupied : 0, told.TransferredBytes));
        Assert.All(ready.Where(told => !told.FirstInRegion), told => Assert.Equal(told.Region, told.SourceRegion));
        var told = events.Where(told => told.ReplicationStatusChanged is not null).Select(told => told.ReplicationStatusChanged).ToList();
        Assert.Equal(Enumerable.Range(1, told.Count).Select(number => (long)number), told.Select(status => status.Sequence));
        Assert.Equal(AggregatedReplicationState.Completed, told[^1].AggregatedState);
        Assert.Equal(3, told.Count); // One for each region that became complete; the last one tells that all are.
        Assert.All(events, told => Assert.Equal(("replication", House.Subscription), (told.Source, told.SubscriptionId)));
    }

    [Fact]
    public async Task Bytes_come_from_the_upload_then_from_the_region_itself_and_across_the_border_once()
    {
        var version = await _house.PublishAsync("1.1.0", ("westus", 2), ("eastus", 2));
        await _house.UntilCompletedAsync(version.Name);
        var home = Pull("westus", version.Uid, 0);
        Assert.Equal(PullSource.PlaceOneofCase.LocalUploadId, home.Sources[0].PlaceCase);
        Assert.Equal((StorageAccountType.StandardLrs, 0), (home.Store.StorageAccountType, home.Store.Ordinal));
        Assert.Equal($"{version.Uid}.westus.0.1", Pull("westus", version.Uid, 1).Sources[0].LocalReplicaId);
        Assert.Equal($"{version.Uid}.eastus.0.1", Pull("eastus", version.Uid, 1).Sources[0].LocalReplicaId);

        var across = Pull("eastus", version.Uid, 0);
        var source = across.Sources[0];
        Assert.Equal(("westus", _house["westus"].Url), (source.Region, source.Remote.GrpcUrl));
        var grant = new JsonWebToken(Assert.Single(source.Remote.Grants));
        Assert.Equal(
            ("region:westus", GrantClaims.Pull, House.Digest),
            (grant.Audiences.Single(), grant.GetClaim(GrantClaims.Operation).Value, grant.GetClaim(GrantClaims.Resource).Value)
        );
        Assert.Equal(
            "gallery.service.replication",
            new JsonWebToken(
                _house["eastus"].Server.Calls.Last(call => call.Method.EndsWith("PullReplica", StringComparison.Ordinal)).Token
            )
                .GetClaim("roles")
                .Value
        );
    }

    [Fact]
    public async Task Counts_go_up_and_down_and_regions_come_and_go()
    {
        var version = await _house.PublishAsync("1.2.0", ("westus", 1), ("eastus", 1));
        await _house.UntilCompletedAsync(version.Name);
        await _house.RetargetAsync(version.Name, ("westus", 3), ("eastus", 1), ("northeurope", 1));
        var status = await _house.UntilAsync(
            version.Name,
            status => status is { Generation: 2, AggregatedState: AggregatedReplicationState.Completed }
        );
        Assert.Equal([3, 1, 1], status.Summary.Select(row => row.ReadyReplicaCount));

        await _house.RetargetAsync(version.Name, ("westus", 1), ("northeurope", 1));
        await _house.UntilAsync(
            version.Name,
            status => status is { Generation: 3, AggregatedState: AggregatedReplicationState.Completed, Summary.Count: 2 }
        );
        var left = await Eventually.GetAsync(() => _house.ReplicasAsync(version.Name), replicas => replicas.Count == 2);
        Assert.Equal(["northeurope-0", "westus-0"], left.Select(replica => $"{replica.Region}-{replica.Ordinal}"));
        Assert.Contains(_house["eastus"].Deletes, deleted => deleted.ReplicaId == $"{version.Uid}.eastus.0.1");
        Assert.Equal(2, _house["westus"].Deletes.Count(deleted => deleted.ReplicaId.StartsWith(version.Uid, StringComparison.Ordinal)));

        await _house.RetargetAsync(version.Name, ("westus", 1), ("northeurope", 1), ("eastus", 1));
        await _house.UntilAsync(version.Name, status => status is { Generation: 4, AggregatedState: AggregatedReplicationState.Completed });
        var again = (await _house.EventsAsync(version.Name)).Last(told => told.ReplicaChanged is not null).ReplicaChanged;
        Assert.Equal(
            ($"{version.Uid}.eastus.0.2", ReplicaState.Ready, true, true, House.Occupied),
            (again.Uid, again.State, again.FirstInRegion, again.RegionReAdded, again.TransferredBytes)
        );
        var settled = (await _house.EventsAsync(version.Name))
            .Last(told => told.ReplicationStatusChanged is not null)
            .ReplicationStatusChanged;
        Assert.Equal((4, AggregatedReplicationState.Completed), (settled.Generation, settled.AggregatedState));
    }

    [Fact]
    public async Task A_deleted_version_retires_at_once_and_is_forgotten_when_its_bytes_are_freed()
    {
        var version = await _house.PublishAsync("1.3.0", ("westus", 2), ("eastus", 1));
        await _house.UntilCompletedAsync(version.Name);
        await _house.ChangeAsync(version.Name, wanted => wanted.ProvisioningState = ProvisioningState.Deleting, ChangeType.Deleting);
        var events = await Eventually.GetAsync(
            () => _house.EventsAsync(version.Name),
            events => events.Any(told => told.VersionRetired is not null)
        );
        Assert.Equal(3, events.Count(told => told.ReplicaChanged is { State: ReplicaState.Deleting }));
        Assert.Single(events, told => told.VersionRetired is { } retired && retired.VersionUid == version.Uid);
        await Refused.WithAsync(() => _house.StatusAsync(version.Name), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        await Refused.WithAsync(
            () =>
                _house.Placement.PlaceDeploymentAsync(
                    new PlaceDeploymentRequest
                    {
                        Image = version.Name,
                        Region = "westus",
                        MachineCount = 1,
                    }
                ),
            StatusCode.NotFound,
            ErrorReason.GalleryImageNotFound
        );
        await Eventually.Async(() => _house.Keys("1.3.0").Count == 0, what: "everything about the version to be gone");
        Assert.DoesNotContain(_house["westus"].Replicas, replica => replica.StartsWith(version.Uid, StringComparison.Ordinal));

        // The same name, another incarnation.
        var next = await _house.PublishAsync("1.3.0", ("westus", 1));
        await _house.UntilCompletedAsync(next.Name);
        Assert.Equal(next.Uid, (await _house.StatusAsync(next.Name)).VersionUid);
    }

    [Fact]
    public async Task A_version_deleted_before_any_replica_was_made_retires_too()
    {
        var version = await _house.WantAsync("1.4.0", ("westus", 1));
        await _house.ChangeAsync(version.Name, wanted => wanted.ProvisioningState = ProvisioningState.Deleting, ChangeType.Deleting);
        await Eventually.GetAsync(
            () => _house.EventsAsync(version.Name),
            events => events.Any(told => told.VersionRetired?.VersionUid == version.Uid)
        );
    }

    [Fact]
    public async Task Events_that_come_twice_in_disorder_or_about_nothing_change_nothing()
    {
        var version = await _house.PublishAsync("1.5.0", ("westus", 1));
        var second = await _house.RetargetAsync(version.Name, ("westus", 2));
        for (var turn = 0; turn < 3; turn++)
        {
            await _house.TellAsync(second, ChangeType.Updated);
            await _house.TellAsync(version, ChangeType.Created);
            await _house.TellAsync(version, ChangeType.Deleting); // Only a hint: Catalog does not say so.
        }

        var unknown = new Contracts.Catalog.V1.ImageVersion { Name = House.VersionName("9.9.9"), Uid = "x" };
        await _house.TellAsync(unknown, ChangeType.Created);
        await _house.UntilAsync(version.Name, status => status is { Generation: 2, AggregatedState: AggregatedReplicationState.Completed });
        await _house.PublishAsync("1.5.1", ("westus", 1));
        await _house.UntilCompletedAsync(House.VersionName("1.5.1")); // All events before it are handled by then.
        Assert.Equal(2, (await _house.ReplicasAsync(version.Name)).Count);
        Assert.Equal(2, (await _house.EventsAsync(version.Name)).Count(told => told.ReplicaChanged is not null));
    }

    [Fact]
    public async Task Several_disks_come_from_their_uploads()
    {
        var data = await _house.SnapshotAsync("data-disk", "westus", "sha256:" + new string('b', 64));
        var version = await _house.WantAsync("1.6.0", ("westus", 1), ("eastus", 1));
        version = _house.Catalog.Change(
            version.Name,
            wanted =>
                wanted.StorageProfile.DataDiskImages.Add(
                    new Contracts.Catalog.V1.DataDiskImage
                    {
                        Lun = 3,
                        Snapshot = data.Name,
                        Content = data.Content,
                    }
                ),
            nextGeneration: false
        );
        await _house.TellAsync(version, ChangeType.Created);
        var status = await _house.UntilCompletedAsync(version.Name);
        Assert.Equal(2 * House.Occupied, status.Summary[0].TotalBytes);
        var home = Pull("westus", version.Uid, 0);
        Assert.Equal(2, home.Sources.Count(source => source.PlaceCase == PullSource.PlaceOneofCase.LocalUploadId));
        Assert.Equal([true, false], home.Disks.Select(disk => disk.Slot.OsDisk));
        Assert.Equal(3, home.Disks[1].Slot.DataDiskLun);
        Assert.Equal(2, Pull("eastus", version.Uid, 0).Sources[0].Remote.Grants.Count);
    }

    [Fact]
    public async Task A_caller_sees_what_it_has_just_asked_catalog_for()
    {
        var version = await _house.WantAsync("1.7.0", ("westus", 1)); // No event was told.
        Assert.Equal(1, (await _house.StatusAsync(version.Name)).Generation);
        await _house.UntilCompletedAsync(version.Name);
        _house.Catalog.Change(version.Name, wanted => wanted.PublishingProfile.TargetRegions[0].RegionalReplicaCount = 2);
        var status = await _house.StatusAsync(version.Name);
        Assert.Equal((2, 2), (status.Generation, status.Summary[0].TargetReplicaCount));
    }

    [Fact]
    public async Task A_version_without_its_snapshot_fails_and_says_why()
    {
        var version = await _house.WantAsync("1.8.0", ("westus", 2), ("eastus", 1));
        await _house.Snapshots.DeleteSnapshotAsync(new DeleteSnapshotRequest { Name = version.StorageProfile.OsDiskImage.Snapshot });
        await _house.TellAsync(version, ChangeType.Created);
        var status = await _house.UntilAsync(version.Name, status => status.Summary.All(row => row.State == RegionalState.Failed));
        Assert.Equal(AggregatedReplicationState.Failed, status.AggregatedState);
        Assert.All(status.Summary, row => Assert.Contains("the snapshot it was made from is gone", row.Details, StringComparison.Ordinal));
        var told = (await _house.EventsAsync(version.Name))
            .Last(told => told.ReplicationStatusChanged is not null)
            .ReplicationStatusChanged;
        Assert.Equal(AggregatedReplicationState.Failed, told.AggregatedState);
    }

    [Fact]
    public async Task Lists_of_replicas_are_paged_and_filtered()
    {
        var version = await _house.PublishAsync("1.9.0", ("westus", 3), ("eastus", 12));
        await _house.UntilCompletedAsync(version.Name);
        var found = new List<string>();
        var token = "";
        do
        {
            var page = await _house.Replication.ListReplicasAsync(
                new Contracts.Replication.V1.ListReplicasRequest
                {
                    Parent = version.Name,
                    PageSize = 4,
                    PageToken = token,
                }
            );
            found.AddRange(page.Replicas.Select(replica => $"{replica.Region}-{replica.Ordinal}"));
            token = page.NextPageToken;
        } while (token.Length > 0);
        Assert.Equal(
            Enumerable
                .Range(0, 12)
                .Select(number => $"eastus-{number}")
                .Concat(Enumerable.Range(0, 3).Select(number => $"westus-{number}")),
            found
        );
        var west = await _house.Replication.ListReplicasAsync(
            new Contracts.Replication.V1.ListReplicasRequest { Parent = version.Name, Region = "West US" }
        );
        Assert.Equal(3, west.Replicas.Count);
    }

    private PullReplicaRequest Pull(string region, string versionUid, int ordinal) =>
        _house[region].Pulls.First(pull => pull.ReplicaId == $"{versionUid}.{region}.{ordinal}.1");
}
