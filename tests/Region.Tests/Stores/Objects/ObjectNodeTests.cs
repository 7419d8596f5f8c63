using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Objects;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Gallery.TestKit.ObjectStorage;
using Grpc.Core;

namespace Gallery.Region.Tests.Stores.Objects;

/// <summary>A whole node whose stores lie on object storage.</summary>
[Collection("object storage")]
public sealed class ObjectNodeTests(ObjectServers servers)
{
    [Theory]
    [InlineData("Azure", StorageAccountType.StandardZrs)]
    [InlineData("S3", StorageAccountType.StandardLrs)]
    public async Task A_node_that_starts_on_an_empty_disk_has_all_that_it_had(string kind, StorageAccountType type)
    {
        using var grants = new TestGrants();
        await using var issuer = await TestIssuer.StartAsync();
        var disk = TestDisk.Make(1, 90);
        ContentDescriptor content;
        await using (var node = await TestNode.StartAsync(issuer, grants, "objects", 3, settings: SettingsOf(kind)))
        {
            content = await node.Client.PublishAsync("kept", disk);
            await node.Client.PullAsync(NodeClient.Order("r", content, node.Client.FromUpload("kept"), type));
            Assert.Equal(disk, await node.Client.ReadAsync("r"));
            await node.Client.SendAsync("half", disk);
            Assert.True(
                (await node.Client.Nodes.GetNodeAsync(new())).Node.Zones.Sum(zone => zone.UsedBytes) > 2 * content.OccupiedSizeBytes
            );
            Assert.Empty(Directory.EnumerateFiles(node.DataPath, "*.seg", SearchOption.AllDirectories));
        }

        // The node's own folder is a new one.
        await using var again = await TestNode.StartAsync(issuer, grants, "objects", 3, settings: SettingsOf(kind));
        var replica = Assert.Single((await again.Client.Replicas.ListReplicasAsync(new())).Replicas);
        Assert.Equal(NodeReplicaState.Ready, replica.State);
        Assert.Equal(disk, await again.Client.ReadAsync("r"));
        Assert.Equal(content, await again.Client.CommitAsync("kept"));

        // Which blocks stood where in an upload under way is gone with the disk: it is refused, and sent again without moving a block.
        await Refused.WithAsync(() => again.Client.CommitAsync("half"), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        Assert.Empty(await again.Client.SendAsync("half", disk));
        Assert.Equal(content, await again.Client.CommitAsync("half"));

        // What is dropped leaves the storage.
        await again.Client.Replicas.DeleteReplicaAsync(new() { ReplicaId = "r", FencingToken = 2 });
        await Eventually.Async(async () =>
            (await again.Client.Nodes.GetNodeAsync(new())).Node.Zones.Sum(zone => zone.UsedBytes) < 2 * content.OccupiedSizeBytes
        );
    }

    [Fact]
    public async Task A_zone_whose_storage_is_away_is_read_around()
    {
        using var pool = new BlockBatchPool();
        var blocks = Enumerable.Range(0, 10).Select(i => TestBlocks.Bytes(i)).ToArray();
        await using var own = await S3Server.StartAsync();
        var zones = new[] { own, servers.S3 }
            .Select((server, i) => new ObjectZone(Connect(server, $"around{i}"), "around/", i + 1, new CapacityBudget()))
            .ToArray();
        Assert.All(zones, zone => Assert.Equal("", zone.Check()));
        await using var store = new MirroredStore([.. zones.Select(zone => zone.OpenBlocks(StoreName.Snapshots))]);
        await store.WriteAsync(pool, blocks);
        await own.DisposeAsync();
        Assert.Equal(blocks[3], await store.ReadAsync(TestBlocks.Ref(blocks[3])));
        var refused = await Assert.ThrowsAsync<ObjectStorageException>(() => store.WriteAsync(pool, TestBlocks.Bytes(50)));
        Assert.Contains("no answer", refused.Message, StringComparison.Ordinal);
        Assert.Contains("no answer", zones[0].Check(), StringComparison.Ordinal);
        Assert.Equal("", zones[1].Check());
    }

    [Fact]
    public async Task Settings_that_lack_something_are_refused_at_the_start()
    {
        using var grants = new TestGrants();
        await using var issuer = await TestIssuer.StartAsync();
        var refused = await Assert.ThrowsAnyAsync<InvalidOperationException>(() =>
            TestNode.StartAsync(issuer, grants, "objects", 3, settings: [("Region:Store", "Azure"), ("Region:Objects:Containers:0", "one")])
        );
        Assert.Contains("Containers", refused.Message, StringComparison.Ordinal);
    }

    private static IObjectBucket Connect(S3Server server, string bucket) =>
        ObjectZones.Connect(
            StoreKind.S3,
            new ObjectOptions
            {
                ServiceUrl = server.Url,
                AccessKey = S3Server.AccessKey,
                SecretKey = S3Server.AccessKey,
            }
        )(bucket);

    private (string Key, string Value)[] SettingsOf(string kind) =>
        [
            ("Region:Store", kind),
            .. Enumerable.Range(0, 3).Select(zone => ($"Region:Objects:Containers:{zone}", $"node-zone{zone + 1}")),
            ("Region:Objects:Prefix", $"{kind}/node"),
            ("Region:Objects:ConnectionString", servers.Azure.ConnectionString),
            ("Region:Objects:ServiceUrl", servers.S3.Url),
            ("Region:Objects:AccessKey", S3Server.AccessKey),
            ("Region:Objects:SecretKey", S3Server.AccessKey),
        ];
}
