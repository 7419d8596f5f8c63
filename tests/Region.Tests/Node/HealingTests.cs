using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Region.Tests.Node;

/// <summary>Bytes rot on the disks of a node: readers get the right ones all the same, or are told; and the node mends what it can.</summary>
[Collection("nodes")]
public sealed class HealingTests(NodesFixture nodes)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly (string, string) Often = ("Region:ScrubInterval", "00:00:00.300");

    [Theory]
    [InlineData("zone1")]
    [InlineData("zone2")]
    [InlineData("zone3")]
    public async Task A_block_that_is_bad_in_one_zone_is_taken_from_another_and_mended_by_the_scrub(string zone)
    {
        using var data = new TempFolder();
        await using var node = await nodes.StartInTimeAsync("mending", zones: 3, data, Often);
        var (disk, block) = await MakeAsync(node, 400, StorageAccountType.StandardZrs);
        Assert.Equal(1, SegmentFiles.Spoil(Path.Combine(data[zone], "zrs-000"), block));
        Assert.Equal(disk, await node.Client.ReadAsync("r"));
        await MendedAsync(Path.Combine(data[zone], "zrs-000"), block);
        Assert.Equal(NodeReplicaState.Ready, (await GetAsync(node)).State);
        Assert.Equal(disk, await node.Client.ReadAsync("r"));
    }

    [Fact]
    public async Task A_reader_gets_a_bad_block_from_another_store_at_once_and_it_is_mended()
    {
        using var data = new TempFolder();
        await using var node = await nodes.StartInTimeAsync("mending", data: data);
        var (disk, block) = await MakeAsync(node, 410, StorageAccountType.StandardLrs);
        var content = (await GetAsync(node)).Disks.Single().Content;
        await node.Client.PullAsync(NodeClient.Order("second", content, node.Client.FromUpload("u"), ordinal: 1));
        await ForgetUploadAsync(node, data, block);
        Assert.Equal(1, SegmentFiles.Spoil(Path.Combine(data["zone1"], "lrs-000"), block));
        Assert.Equal(disk, await node.Client.ReadAsync("r"));
        await MendedAsync(Path.Combine(data["zone1"], "lrs-000"), block);
        Assert.Equal(NodeReplicaState.Ready, (await GetAsync(node)).State);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_nobody_on_the_node_has_is_taken_out_of_service_and_repaired_from_another_region(bool byScrub)
    {
        using var data = new TempFolder();
        var disk = TestDisk.Make(420);
        var block = TestDisk.Blocks(disk)[3].Bytes;
        var upload = $"healing-{byScrub}";
        var content = await nodes.West.Client.PublishAsync(upload, disk);
        var order = NodeClient.Order("r", content, nodes.West.Client.Remote(nodes.West.Url, content));
        NodeReplica damaged;
        long revision;
        await using (var node = await nodes.StartInTimeAsync("mending", data: data, settings: byScrub ? [Often] : []))
        {
            var made = await node.Client.PullAsync(order);
            revision = await RevisionAsync(node);
            Assert.Equal(1, SegmentFiles.Spoil(data.Path, block));
            if (!byScrub)
            {
                await Assert.ThrowsAsync<RpcException>(() => node.Client.ReadAsync("r"));
            }

            await Eventually.Async(async () => (await GetAsync(node)).State == NodeReplicaState.Damaged, Patience);
            damaged = await GetAsync(node);
            Assert.Contains("damaged", damaged.Details, StringComparison.Ordinal);
            await Eventually.Async(async () => await RevisionAsync(node) > revision, Patience);
            await Refused.WithAsync(() => node.Client.ReadAsync("r"), StatusCode.Unavailable, ErrorReason.RegionUnavailable);
            Assert.Equal(made.ReadyTime, damaged.ReadyTime);
        }

        // It stays out of service, though nothing in its file's headers tells of the damage.
        await using var again = await nodes.StartInTimeAsync("mending", data: data);
        Assert.Equal(NodeReplicaState.Damaged, (await GetAsync(again)).State);
        var info = (await again.Client.Nodes.GetNodeAsync(new())).Node;
        Assert.Equal((0, 1), (info.ReadyReplicaCount, info.DamagedReplicaCount));
        await Refused.WithAsync(
            () => again.Client.PullAsync(NodeClient.Order("r", content, again.Client.FromUpload("nobody"), token: 2)),
            StatusCode.NotFound,
            ErrorReason.ContentNotFound
        );
        Assert.Equal(NodeReplicaState.Damaged, (await GetAsync(again)).State);

        order.FencingToken = 3;
        var repaired = await again.Client.PullAsync(order);
        Assert.Equal(NodeReplicaState.Ready, repaired.State);
        Assert.Equal(content.OccupiedSizeBytes + BlockLayout.BlockSize, repaired.TransferredBytes);
        Assert.Equal(damaged.ReadyTime, repaired.ReadyTime);
        Assert.True(repaired.LastVerifiedTime > damaged.LastVerifiedTime);
        Assert.Equal(disk, await again.Client.ReadAsync("r"));
    }

    [Fact]
    public async Task A_segment_that_is_lost_is_noticed_at_the_next_start()
    {
        using var data = new TempFolder();
        await using (var node = await nodes.StartInTimeAsync("mending", zones: 3, data))
        {
            await MakeAsync(node, 430, StorageAccountType.StandardZrs);
            var content = (await GetAsync(node)).Disks.Single().Content;
            await node.Client.PullAsync(NodeClient.Order("alone", content, node.Client.FromUpload("u"), ordinal: 1));
        }

        var disk = TestDisk.Make(430);
        Directory.Delete(Path.Combine(data["zone1"], "snapshots"), recursive: true);
        foreach (var store in new[] { Path.Combine(data["zone3"], "zrs-000"), Path.Combine(data["zone2"], "lrs-001") })
        {
            Directory.Delete(Path.Combine(store, "segments"), recursive: true);
        }

        await using var again = await nodes.StartInTimeAsync("mending", zones: 3, data);
        await MendedAsync(Path.Combine(data["zone3"], "zrs-000"), TestDisk.Blocks(disk)[3].Bytes);

        // The blocks of the other one were found in the first one's store.
        await MendedAsync(Path.Combine(data["zone2"], "lrs-001"), TestDisk.Blocks(disk)[3].Bytes);
        Assert.Equal(disk, await again.Client.ReadAsync("alone"));
    }

    [Fact]
    public async Task A_scrub_tells_when_everything_was_last_checked_and_goes_on_after_a_restart()
    {
        using var data = new TempFolder();
        NodeReplica made;
        await using (var node = await nodes.StartInTimeAsync("mending", data: data, settings: ("Region:ScrubBytesPerSecond", "4000000")))
        {
            await MakeAsync(node, 440, StorageAccountType.StandardLrs, blocks: 240);
            made = await GetAsync(node);
        }

        var note = Path.Combine(data["zone1"], "lrs-000", "scrub", "state.record");
        (string, string)[] slow = [Often, ("Region:ScrubBytesPerSecond", "4000000")];
        await using (var node = await nodes.StartInTimeAsync("mending", data: data, settings: slow))
        {
            await Eventually.Async(
                () => Task.FromResult(File.Exists(note) && !File.ReadAllText(note).Contains("endTime\": \"", StringComparison.Ordinal)),
                Patience
            );
            await Task.Delay(700);
        }

        var stopped = File.ReadAllText(note);
        Assert.DoesNotContain("endTime\": \"", stopped, StringComparison.Ordinal);
        Assert.DoesNotContain("\"readBytes\": 0", stopped, StringComparison.Ordinal);
        await using var again = await nodes.StartInTimeAsync("mending", data: data, settings: Often);
        await Eventually.Async(async () => (await GetAsync(again)).LastVerifiedTime > made.LastVerifiedTime, Patience);
        Assert.Equal(NodeReplicaState.Ready, (await GetAsync(again)).State);
    }

    [Fact]
    public async Task A_pull_that_can_not_fit_is_refused_before_anything_is_written()
    {
        using var data = new TempFolder();
        await using var node = await nodes.StartInTimeAsync("full", data: data, settings: ("Region:CapacityBytes", "2000000"));
        var disk = TestDisk.Make(450, 90);
        var content = await nodes.West.Client.PublishAsync("healing-big", disk);
        var order = NodeClient.Order("r", content, nodes.West.Client.Remote(nodes.West.Url, content));
        var refused = await Refused.WithAsync(
            () => node.Client.PullAsync(order),
            StatusCode.ResourceExhausted,
            ErrorReason.StorageExhausted
        );
        Assert.Contains("bytes more", refused.Message, StringComparison.Ordinal);
        var zone = (await node.Client.Nodes.GetNodeAsync(new())).Node.Zones.Single();
        Assert.InRange(zone.UsedBytes, 0, 100_000);
        Assert.InRange(zone.AvailableBytes, 1_900_000, 2_000_000);
    }

    /// <summary>Publishes a disk on the node and makes the replica `r` of it.</summary>
    private static async Task<(byte[] Disk, byte[] Block)> MakeAsync(TestNode node, int seed, StorageAccountType type, int blocks = 40)
    {
        var disk = TestDisk.Make(seed, blocks);
        var content = await node.Client.PublishAsync("u", disk);
        await node.Client.PullAsync(NodeClient.Order("r", content, node.Client.FromUpload("u"), type));
        return (disk, TestDisk.Blocks(disk)[3].Bytes);
    }

    private static async Task ForgetUploadAsync(TestNode node, TempFolder data, byte[] block)
    {
        await node.Client.Commits.DeleteUploadAsync(new() { UploadId = "u" });
        var folder = Path.Combine(data["zone1"], "snapshots");
        await Eventually.Async(() => Task.FromResult(SegmentFiles.Count(folder, block) == 0), Patience);
    }

    private static Task MendedAsync(string folder, byte[] block) =>
        Eventually.Async(() => Task.FromResult(SegmentFiles.Count(folder, block) == 1), Patience);

    private static async Task<NodeReplica> GetAsync(TestNode node, string replica = "r") =>
        (await node.Client.Replicas.GetReplicaAsync(new() { ReplicaId = replica })).Replica;

    private static async Task<long> RevisionAsync(TestNode node) => (await node.Client.Nodes.GetNodeAsync(new())).Node.ReplicaRevision;
}
