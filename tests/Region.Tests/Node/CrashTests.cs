using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Region.Tests.Node;

/// <summary>A real node is killed while it works; what it had acknowledged is there, and nothing is moved twice.</summary>
[Collection("nodes")]
public sealed class CrashTests(NodesFixture nodes)
{
    [Theory]
    [InlineData(StorageAccountType.StandardLrs)]
    [InlineData(StorageAccountType.StandardZrs)]
    public async Task A_pull_that_is_killed_goes_on_where_it_was(StorageAccountType type)
    {
        using var data = new TempFolder();
        var disk = TestDisk.Make(300 + (int)type, 480);
        var content = await nodes.West.Client.PublishAsync($"crash-{type}", disk);
        var order = NodeClient.Order("killed", content, nodes.West.Client.Remote(nodes.West.Url, content), type);

        long before;
        await using (var node = await StartAsync(data, ("Region:MaxTransferBytesPerSecond", "8000000")))
        {
            using var call = node.Client.Replicas.PullReplica(order);
            do
            {
                Assert.True(await call.ResponseStream.MoveNext());
                before = call.ResponseStream.Current.Replica.CopiedBytes;
            } while (before < content.OccupiedSizeBytes / 3);

            // Whoever watches hears at once where the bytes come from.
            Assert.Equal(order.Sources[0].Region, call.ResponseStream.Current.Replica.SourceRegion);
            await node.KillAsync();
        }

        await using (var node = await StartAsync(data))
        {
            var found = (await node.Client.Replicas.GetReplicaAsync(new() { ReplicaId = "killed" })).Replica;
            Assert.Equal(NodeReplicaState.Waiting, found.State);
            await Assert.ThrowsAsync<RpcException>(() => node.Client.ReadAsync("killed"));

            order.FencingToken = 2;
            var made = await node.Client.PullAsync(order);
            Assert.Equal(NodeReplicaState.Ready, made.State);
            Assert.Equal(disk, await node.Client.ReadAsync("killed"));

            // Only what was in flight came a second time. What the record had counted before the crash is counted still.
            var again = made.TransferredBytes - found.TransferredBytes;
            Assert.InRange(again, 0, content.OccupiedSizeBytes - before);
            await node.KillAsync();
        }

        await using var last = await StartAsync(data);
        Assert.Equal(NodeReplicaState.Ready, (await last.Client.Replicas.GetReplicaAsync(new() { ReplicaId = "killed" })).Replica.State);
        Assert.Equal(disk, await last.Client.ReadAsync("killed"));
    }

    [Fact]
    public async Task An_upload_that_is_killed_needs_only_what_was_not_acknowledged()
    {
        using var data = new TempFolder();
        var disk = TestDisk.Make(310, 400);
        var blocks = TestDisk.Blocks(disk).Select(block => block.Index).ToArray();
        await using (var node = await StartAsync(data))
        {
            await node.Client.Uploads.StartUploadAsync(
                new() { UploadId = "killed", FileSizeBytes = disk.Length },
                NodeClient.Bearer(nodes.Grants.Upload("crash", "killed"))
            );
            Assert.Equal(blocks, await node.Client.DeclareAsync("killed", disk));
            await node.Client.WriteAsync("killed", disk, blocks[..100]);

            // One call is killed in its middle.
            using var call = node.Client.Uploads.WriteBlocks(NodeClient.Bearer(nodes.Grants.Upload("crash", "killed")));
            await call.RequestStream.WriteAsync(new() { UploadId = "killed" });
            foreach (var some in blocks[100..200].Chunk(16))
            {
                await call.RequestStream.WriteAsync(new() { Blocks = { some.Select(index => NodeClient.Uploaded(disk, index)) } });
            }

            await node.KillAsync();
            await Assert.ThrowsAnyAsync<Exception>(async () => await call);
        }

        await using (var node = await StartAsync(data))
        {
            var lacking = await node.Client.SendAsync("killed", disk);
            Assert.Empty(lacking.Intersect(blocks[..100]));
            var content = await node.Client.CommitAsync("killed");
            Assert.Equal(TestDisk.Occupied(disk), content.OccupiedSizeBytes);
            await node.Client.PullAsync(NodeClient.Order("r", content, node.Client.FromUpload("killed")));
            await node.KillAsync();
        }

        await using var last = await StartAsync(data);
        Assert.Equal(disk, await last.Client.ReadAsync("r"));
        Assert.Equal(TestDisk.Occupied(disk), (await last.Client.CommitAsync("killed")).OccupiedSizeBytes);
    }

    [Fact]
    public async Task A_node_that_is_killed_while_it_compacts_has_everything_and_goes_on()
    {
        using var data = new TempFolder();
        var (gone, kept) = (TestDisk.Make(320, 300), TestDisk.Make(321, 300));
        for (var block = 0; block < 300; block += 4)
        {
            gone.AsSpan(block * BlockLayout.BlockSize, BlockLayout.BlockSize).CopyTo(kept.AsSpan(block * BlockLayout.BlockSize));
        }

        // What both share lies between blocks that only the first one has, and those are freed.
        (string, string)[] settings =
        [
            ("Region:SegmentBytes", $"{8 << 20}"),
            ("Region:CollectionInterval", "00:00:00.100"),
            ("Region:CompactionBytesPerSecond", "1500000"),
        ];
        long full;
        await using (var node = await StartAsync(data, settings))
        {
            await node.Client.PublishAsync("gone", gone);
            var content = await node.Client.PublishAsync("kept", kept);
            await node.Client.PullAsync(NodeClient.Order("r", content, node.Client.FromUpload("kept")));
            full = await UsedAsync(node);
            await node.Client.Commits.DeleteUploadAsync(new() { UploadId = "gone" });
            await Task.Delay(600);
            await node.KillAsync();
        }

        await using (var node = await StartAsync(data, settings))
        {
            Assert.Equal(TestDisk.Occupied(kept), (await node.Client.CommitAsync("kept")).OccupiedSizeBytes);
            await Task.Delay(900);
            await node.KillAsync();
        }

        await using var last = await StartAsync(data, ("Region:SegmentBytes", $"{8 << 20}"), ("Region:CollectionInterval", "00:00:00.100"));
        await Eventually.Async(async () => await UsedAsync(last) < full - (TestDisk.Occupied(gone) * 6 / 10), TimeSpan.FromSeconds(15));
        var again = NodeClient.Order("again", await last.Client.CommitAsync("kept"), last.Client.FromUpload("kept"), ordinal: 1);
        await last.Client.PullAsync(again);
        Assert.Equal(kept, await last.Client.ReadAsync("again"));
        Assert.Equal(kept, await last.Client.ReadAsync("r"));
    }

    private static async Task<long> UsedAsync(NodeProcess node) =>
        (await node.Client.Nodes.GetNodeAsync(new())).Node.Zones.Sum(zone => zone.UsedBytes);

    private Task<NodeProcess> StartAsync(TempFolder data, params (string Key, string Value)[] settings) =>
        NodeProcess.StartAsync(nodes.Issuer, nodes.Grants, "crash", data, settings);
}
