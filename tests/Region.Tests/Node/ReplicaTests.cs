using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Region.Tests.Node;

[Collection("nodes")]
public sealed class ReplicaTests(NodesFixture nodes)
{
    private NodeClient West => nodes.West.Client;

    private NodeClient East => nodes.East.Client;

    private static string NewId() => $"r-{Guid.NewGuid():N}";

    [Fact]
    public async Task A_replica_is_made_from_an_upload_of_the_node_and_read_back()
    {
        var (upload, replica, disk) = (NewId(), NewId(), TestDisk.Make(101));
        var content = await West.PublishAsync(upload, disk);
        var made = await West.PullAsync(NodeClient.Order(replica, content, West.FromUpload(upload)));
        Assert.Equal(NodeReplicaState.Ready, made.State);
        Assert.Equal(content.OccupiedSizeBytes, made.TotalBytes);
        Assert.Equal(content.OccupiedSizeBytes, made.CopiedBytes);
        Assert.Equal(0, made.TransferredBytes);
        Assert.NotNull(made.ReadyTime);
        Assert.Equal(content, made.Disks.Single().Content);
        Assert.Equal(disk, await West.ReadAsync(replica));
        Assert.Equal(made, (await West.Replicas.GetReplicaAsync(new() { ReplicaId = replica })).Replica);
        Assert.Equal(made, await West.PullAsync(NodeClient.Order(replica, content, West.FromUpload(upload), token: 2)));
    }

    [Theory]
    [InlineData(StorageAccountType.StandardLrs, 1)]
    [InlineData(StorageAccountType.StandardZrs, 3)]
    [InlineData(StorageAccountType.PremiumLrs, 1)]
    public async Task A_replica_is_pulled_from_another_region_into_its_zones(StorageAccountType type, int zones)
    {
        var (upload, replica, disk) = (NewId(), NewId(), TestDisk.Make(102 + (int)type));
        var content = await West.PublishAsync(upload, disk);
        var before = await UsedAsync(nodes.East);
        var made = await East.PullAsync(NodeClient.Order(replica, content, West.Remote(nodes.West.Url, content), type, ordinal: 7));
        Assert.Equal(content.OccupiedSizeBytes, made.TransferredBytes);
        Assert.Equal("westus", made.SourceRegion);
        Assert.Equal(disk, await East.ReadAsync(replica));
        var grown = (await UsedAsync(nodes.East)).Zip(before, (now, then) => now - then).ToArray();
        Assert.Equal(zones, grown.Count(bytes => bytes >= content.OccupiedSizeBytes));
        Assert.Equal(3 - zones, grown.Count(bytes => bytes == 0));
    }

    [Fact]
    public async Task A_successor_costs_its_changes_and_a_further_replica_crosses_no_border()
    {
        var (first, second) = (TestDisk.Make(110), TestDisk.Make(110));
        second[5 * BlockLayout.BlockSize] ^= 1;
        second[^1] ^= 1;
        var (a, b) = (NewId(), NewId());
        var before = await West.PublishAsync(a, first);
        var after = await West.PublishAsync(b, second);
        await East.PullAsync(NodeClient.Order(a, before, West.Remote(nodes.West.Url, before), ordinal: 11));
        var made = await East.PullAsync(NodeClient.Order(b, after, West.Remote(nodes.West.Url, after), ordinal: 11));
        Assert.Equal(BlockLayout.BlockSize + (BlockLayout.BlockSize / 2), made.TransferredBytes);
        Assert.Equal(after.OccupiedSizeBytes, made.CopiedBytes);
        Assert.Equal(second, await East.ReadAsync(b));

        var further = NewId();
        var copy = await East.PullAsync(NodeClient.Order(further, after, East.FromReplica(b), StorageAccountType.StandardZrs, ordinal: 12));
        Assert.Equal(0, copy.TransferredBytes);
        Assert.Equal(second, await East.ReadAsync(further));
        Assert.Equal(first, await East.ReadAsync(a));
    }

    [Fact]
    public async Task A_replica_has_several_disks_and_equal_ones_are_kept_once()
    {
        var (os, data) = (TestDisk.Make(120, 10), TestDisk.Make(121, 5));
        var (osUpload, dataUpload, replica) = (NewId(), NewId(), NewId());
        var (osContent, dataContent) = (await West.PublishAsync(osUpload, os), await West.PublishAsync(dataUpload, data));
        var order = NodeClient.Order(replica, osContent, West.FromUpload(osUpload), ordinal: 20);
        order.Sources.Add(West.FromUpload(dataUpload));
        order.Disks.Add(
            new ReplicaDisk
            {
                Slot = new DiskSlot { DataDiskLun = 0 },
                Content = dataContent,
            }
        );
        order.Disks.Add(
            new ReplicaDisk
            {
                Slot = new DiskSlot { DataDiskLun = 63 },
                Content = dataContent,
            }
        );
        var made = await West.PullAsync(order);
        Assert.Equal(osContent.OccupiedSizeBytes + (2 * dataContent.OccupiedSizeBytes), made.TotalBytes);
        Assert.Equal(made.TotalBytes, made.CopiedBytes);
        Assert.Equal(os, await West.ReadAsync(replica, slot: new DiskSlot { OsDisk = true }));
        Assert.Equal(data, await West.ReadAsync(replica, slot: new DiskSlot { DataDiskLun = 63 }));
        await Refused.WithAsync(
            () => West.ReadAsync(replica, slot: new DiskSlot { DataDiskLun = 5 }),
            StatusCode.NotFound,
            ErrorReason.ContentNotFound
        );
    }

    [Fact]
    public async Task A_source_that_fails_is_followed_by_the_next_one()
    {
        var (upload, replica, disk) = (NewId(), NewId(), TestDisk.Make(130));
        var content = await West.PublishAsync(upload, disk);
        var order = NodeClient.Order(replica, content, West.Remote($"http://127.0.0.1:{FreePort.Next()}", content));
        order.Sources.Add(West.Remote(nodes.West.Url, content, "not a grant"));
        order.Sources.Add(East.FromReplica("nobody"));
        order.Sources.Add(East.FromUpload("nothing"));
        order.Sources.Add(West.Remote(nodes.West.Url, content));
        Assert.Equal(NodeReplicaState.Ready, (await East.PullAsync(order)).State);
        Assert.Equal(disk, await East.ReadAsync(replica));
    }

    [Fact]
    public async Task Without_a_source_the_pull_fails_and_a_later_one_succeeds()
    {
        var (upload, replica, disk) = (NewId(), NewId(), TestDisk.Make(131));
        var content = await West.PublishAsync(upload, disk);
        await Refused.WithAsync(
            () => East.PullAsync(NodeClient.Order(replica, content, East.FromUpload("nothing"))),
            StatusCode.NotFound,
            ErrorReason.ContentNotFound
        );
        var dead = NodeClient.Order(replica, content, West.Remote($"http://127.0.0.1:{FreePort.Next()}", content));
        var refused = await Refused.WithAsync(() => East.PullAsync(dead), StatusCode.Unavailable, ErrorReason.RegionUnavailable);
        Assert.Contains("westus", refused.Message, StringComparison.Ordinal);
        var failed = (await East.Replicas.GetReplicaAsync(new() { ReplicaId = replica })).Replica;
        Assert.Equal(NodeReplicaState.Failed, failed.State);
        Assert.Contains("westus", failed.Details, StringComparison.Ordinal);
        await Refused.WithAsync(() => East.ReadAsync(replica), StatusCode.NotFound, ErrorReason.ContentNotFound);
        Assert.Equal(
            NodeReplicaState.Ready,
            (await East.PullAsync(NodeClient.Order(replica, content, West.Remote(nodes.West.Url, content)))).State
        );
    }

    [Fact]
    public async Task A_source_that_does_not_know_the_content_is_no_source()
    {
        var unknown = new ContentDescriptor
        {
            Digest = $"{TestBlocks.Digest(5)}",
            VirtualSizeBytes = 512,
            OccupiedSizeBytes = 512,
        };
        await Refused.WithAsync(
            () => East.PullAsync(NodeClient.Order(NewId(), unknown, West.Remote(nodes.West.Url, unknown))),
            StatusCode.NotFound,
            ErrorReason.ContentNotFound
        );
    }

    [Fact]
    public async Task A_content_that_is_not_as_described_is_refused()
    {
        var upload = NewId();
        var content = await West.PublishAsync(upload, TestDisk.Make(132));
        var wrong = content.Clone();
        wrong.OccupiedSizeBytes -= 1;
        await Refused.WithAsync(
            () => West.PullAsync(NodeClient.Order(NewId(), wrong, West.FromUpload(upload))),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
    }

    [Fact]
    public async Task An_older_holder_is_fenced_off_and_a_dropped_replica_stays_dropped()
    {
        var (upload, replica) = (NewId(), NewId());
        var content = await West.PublishAsync(upload, TestDisk.Make(140, 5));
        await West.PullAsync(NodeClient.Order(replica, content, West.FromUpload(upload), token: 5));
        await Refused.WithAsync(
            () => West.PullAsync(NodeClient.Order(replica, content, West.FromUpload(upload), token: 4)),
            StatusCode.FailedPrecondition,
            ErrorReason.Fenced
        );
        var drop = new DeleteReplicaRequest { ReplicaId = replica, FencingToken = 4 };
        await Refused.WithAsync(() => West.Replicas.DeleteReplicaAsync(drop), StatusCode.FailedPrecondition, ErrorReason.Fenced);
        drop.FencingToken = 6;
        await West.Replicas.DeleteReplicaAsync(drop);
        await West.Replicas.DeleteReplicaAsync(drop);
        await Refused.WithAsync(
            () => West.Replicas.GetReplicaAsync(new() { ReplicaId = replica }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => West.PullAsync(NodeClient.Order(replica, content, West.FromUpload(upload), token: 7)),
            StatusCode.FailedPrecondition,
            ErrorReason.ResourceMarkedForDeletion
        );
        await Refused.WithAsync(() => West.ReadAsync(replica), StatusCode.NotFound, ErrorReason.ResourceNotFound);
    }

    [Fact]
    public async Task A_replica_never_changes()
    {
        var (upload, other, replica) = (NewId(), NewId(), NewId());
        var content = await West.PublishAsync(upload, TestDisk.Make(141, 5));
        var another = await West.PublishAsync(other, TestDisk.Make(142, 5));
        await West.PullAsync(NodeClient.Order(replica, content, West.FromUpload(upload)));
        await Refused.WithAsync(
            () => West.PullAsync(NodeClient.Order(replica, content, West.FromUpload(upload), ordinal: 3)),
            StatusCode.FailedPrecondition,
            ErrorReason.PropertyChangeNotAllowed
        );
        var refused = await Refused.WithAsync(
            () => West.PullAsync(NodeClient.Order(replica, another, West.FromUpload(other))),
            StatusCode.FailedPrecondition,
            ErrorReason.PropertyChangeNotAllowed
        );
        Assert.Equal(content.Digest, refused.Metadata["current"]);
    }

    [Fact]
    public async Task Dropping_a_replica_frees_its_bytes_and_spares_those_of_others()
    {
        await using var node = await nodes.StartAsync("freeing");
        var (kept, gone) = (NewId(), NewId());
        var (first, second) = (TestDisk.Make(150), TestDisk.Make(151));
        var a = await node.Client.PublishAsync(kept, first);
        var b = await node.Client.PublishAsync(gone, second);
        await node.Client.PullAsync(NodeClient.Order(kept, a, node.Client.FromUpload(kept), ordinal: 1));
        await node.Client.PullAsync(NodeClient.Order(gone, b, node.Client.FromUpload(gone), ordinal: 2));
        var used = (await UsedAsync(node)).Single();
        await node.Client.Replicas.DeleteReplicaAsync(new() { ReplicaId = gone, FencingToken = 1 });
        await node.Client.Commits.DeleteUploadAsync(new() { UploadId = gone });
        await Eventually.Async(async () => (await UsedAsync(node)).Single() <= used - b.OccupiedSizeBytes, TimeSpan.FromSeconds(10));
        Assert.Equal(first, await node.Client.ReadAsync(kept));
        await node.Client.PullAsync(NodeClient.Order(NewId(), a, node.Client.FromUpload(kept), ordinal: 2));
    }

    [Fact]
    public async Task A_replica_whose_record_is_damaged_can_be_dropped_and_its_bytes_are_freed()
    {
        using var data = new TempFolder();
        await using (var node = await nodes.StartAsync("spoilt", data: data))
        {
            var content = await node.Client.PublishAsync("u", TestDisk.Make(175));
            await node.Client.PullAsync(NodeClient.Order("spoilt", content, node.Client.FromUpload("u")));
            await node.Client.PullAsync(NodeClient.Order("sound", content, node.Client.FromUpload("u"), ordinal: 1));
        }

        await File.AppendAllTextAsync(data["zone1/lrs-000/replicas/spoilt.record"], "x");
        await using var again = await nodes.StartAsync("spoilt", data: data);
        await Refused.WithAsync(
            () => again.Client.Replicas.GetReplicaAsync(new() { ReplicaId = "spoilt" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await again.Client.Replicas.DeleteReplicaAsync(new() { ReplicaId = "spoilt", FencingToken = 2 });
        await Eventually.Async(() => !Directory.EnumerateFiles(data["zone1/lrs-000/segments"], "*.seg").Any());
        Assert.Equal(TestDisk.Make(175), await again.Client.ReadAsync("sound"));
    }

    [Fact]
    public async Task Everything_is_still_there_after_a_restart()
    {
        using var data = new TempFolder();
        var (upload, replica, disk) = (NewId(), NewId(), TestDisk.Make(160));
        NodeReplica made;
        await using (var first = await nodes.StartAsync("again", zones: 3, data: data))
        {
            var content = await first.Client.PublishAsync(upload, disk);
            made = await first.Client.PullAsync(
                NodeClient.Order(replica, content, first.Client.FromUpload(upload), StorageAccountType.StandardZrs)
            );
        }

        await using (var second = await nodes.StartAsync("again", zones: 3, data: data))
        {
            Assert.Equal(made, (await second.Client.Replicas.GetReplicaAsync(new() { ReplicaId = replica })).Replica);
            Assert.Equal(disk, await second.Client.ReadAsync(replica));
        }

        // A zone is lost, with all that lay in it.
        Directory.Delete(data["zone1"], recursive: true);
        await using var third = await nodes.StartAsync("again", zones: 3, data: data);
        Assert.Equal(disk, await third.Client.ReadAsync(replica));
        Assert.Equal(NodeReplicaState.Ready, (await third.Client.Replicas.GetReplicaAsync(new() { ReplicaId = replica })).Replica.State);
    }

    [Fact]
    public async Task A_full_node_refuses_and_keeps_what_it_has()
    {
        await using var node = await nodes.StartAsync("full", settings: ("Region:CapacityBytes", "3000000"));
        var (upload, disk) = (NewId(), TestDisk.Make(170, 30));
        var small = await node.Client.PublishAsync(upload, disk);
        var (big, replica) = (NewId(), NewId());
        var content = await West.PublishAsync(big, TestDisk.Make(171, 60));
        await Refused.WithAsync(
            () => node.Client.PullAsync(NodeClient.Order(replica, content, West.Remote(nodes.West.Url, content))),
            StatusCode.ResourceExhausted,
            ErrorReason.StorageExhausted
        );
        await Refused.WithAsync(
            () => node.Client.SendAsync(NewId(), TestDisk.Make(172, 60)),
            StatusCode.ResourceExhausted,
            ErrorReason.StorageExhausted
        );
        Assert.Equal(NodeReplicaState.Failed, (await node.Client.Replicas.GetReplicaAsync(new() { ReplicaId = replica })).Replica.State);
        Assert.Equal(small, await node.Client.CommitAsync(upload));
    }

    [Fact]
    public async Task Zone_redundant_storage_takes_three_zones()
    {
        var upload = NewId();
        var content = await West.PublishAsync(upload, TestDisk.Make(180, 3));
        await Refused.WithAsync(
            () => West.PullAsync(NodeClient.Order(NewId(), content, West.FromUpload(upload), StorageAccountType.StandardZrs)),
            StatusCode.FailedPrecondition,
            ErrorReason.StorageAccountTypeNotSupported
        );
    }

    [Fact]
    public async Task Replicas_are_listed_in_pages()
    {
        await using var node = await nodes.StartAsync("listing");
        var upload = NewId();
        var content = await node.Client.PublishAsync(upload, TestDisk.Make(190, 3));
        foreach (var name in new[] { "c", "a", "b" })
        {
            await node.Client.PullAsync(NodeClient.Order(name, content, node.Client.FromUpload(upload)));
        }

        var first = await node.Client.Replicas.ListReplicasAsync(new() { PageSize = 2 });
        Assert.Equal(["a", "b"], first.Replicas.Select(replica => replica.ReplicaId));
        var second = await node.Client.Replicas.ListReplicasAsync(new() { PageSize = 2, PageToken = first.NextPageToken });
        Assert.Equal(["c"], second.Replicas.Select(replica => replica.ReplicaId));
        Assert.Empty(second.NextPageToken);
        await Refused.WithAsync(
            () => node.Client.Replicas.ListReplicasAsync(new() { PageToken = "%%" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => node.Client.Replicas.ListReplicasAsync(new() { PageSize = -1 }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        var info = (await node.Client.Nodes.GetNodeAsync(new())).Node;
        Assert.Equal("listing", info.Region);
        Assert.Equal(3, info.ReadyReplicaCount);
        Assert.True(info.Zones.Single() is { Number: 1, Healthy: true, UsedBytes: > 0, AvailableBytes: > 0 });
    }

    [Fact]
    public async Task A_malformed_order_is_refused_by_field()
    {
        var refused = await Refused.WithAsync(
            () => West.PullAsync(new PullReplicaRequest { FencingToken = -1 }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Equal(["replica_id", "fencing_token", "store", "disks"], refused.Fields);

        var order = new PullReplicaRequest
        {
            ReplicaId = new string('a', 201),
            Store = new ReplicaStore { StorageAccountType = (StorageAccountType)99, Ordinal = 100 },
            Disks =
            {
                new ReplicaDisk(),
                new ReplicaDisk
                {
                    Slot = new DiskSlot { DataDiskLun = 64 },
                    Content = new ContentDescriptor { Digest = "sha256:", VirtualSizeBytes = 5 },
                },
                new ReplicaDisk { Slot = new DiskSlot { OsDisk = false } },
            },
            Sources =
            {
                new PullSource(),
                new PullSource
                {
                    Remote = new RemoteNode { GrpcUrl = "ftp://x", LinkBytesPerSecond = -1 },
                },
            },
        };
        var fields = (
            await Refused.WithAsync(() => West.PullAsync(order), StatusCode.InvalidArgument, ErrorReason.InvalidParameter)
        ).Fields;
        Assert.Contains("replica_id", fields);
        Assert.Contains("store.storage_account_type", fields);
        Assert.Contains("store.ordinal", fields);
        Assert.Contains("disks[0].slot", fields);
        Assert.Contains("disks[1].content.digest", fields);
        Assert.Contains("sources[1].remote.grpc_url", fields);
        Assert.Contains("sources[1].remote.link_bytes_per_second", fields);
    }

    [Fact]
    public async Task Replicas_are_for_replication_alone()
    {
        var owner = new ReplicaService.ReplicaServiceClient(nodes.West.Host.ChannelAs(TestPrincipal.Owner));
        await Refused.WithAsync(() => owner.PullReplica(new()), StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
        await Refused.WithAsync(() => owner.ListReplicasAsync(new()), StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
        await Refused.WithAsync(() => owner.GetReplicaAsync(new()), StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
        await Refused.WithAsync(() => owner.DeleteReplicaAsync(new()), StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
        var billing = new ReplicaService.ReplicaServiceClient(nodes.West.Host.ChannelAsService("billing"));
        await Refused.WithAsync(() => billing.PullReplica(new()), StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
        var anonymous = new NodeService.NodeServiceClient(nodes.West.Host.AnonymousChannel());
        await Refused.WithAsync(() => anonymous.GetNodeAsync(new()), StatusCode.Unauthenticated, ErrorReason.AuthenticationFailed);
    }

    private static async Task<long[]> UsedAsync(TestNode node) =>
        [.. (await node.Client.Nodes.GetNodeAsync(new())).Node.Zones.Select(zone => zone.UsedBytes)];
}
