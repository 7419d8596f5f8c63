using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Region.Tests.Node;

/// <summary>A zone of a node goes away, and comes back, empty or as it was.</summary>
[Collection("nodes")]
public sealed class ZoneTests(NodesFixture nodes) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly (string, string) Watchful = ("Region:ZoneCheckInterval", "00:00:00.100");

    private readonly TempFolder _data = new();
    private readonly byte[] _disk = TestDisk.Make(500);

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task While_a_zone_is_away_the_others_serve_and_when_it_is_back_it_has_what_it_missed(bool fileInPlace)
    {
        await using var node = await StartAsync();
        var content = await MakeAsync(node);
        var (zone, away) = (_data["zone2"], _data["away"]);
        Directory.Move(zone, away);
        if (fileInPlace)
        {
            await File.WriteAllTextAsync(zone, "not a folder");
        }

        await HealthyAsync(node, zone: 2, healthy: false);
        Assert.Equal(NodeReplicaState.Ready, (await GetAsync(node, "zrs")).State);
        Assert.Equal(_disk, await node.Client.ReadAsync("zrs"));
        Assert.Equal(_disk, await node.Client.ReadAsync("lrs-zone1"));
        var lost = await GetAsync(node, "lrs-zone2");
        Assert.Equal(NodeReplicaState.Damaged, lost.State);
        Assert.Contains("zone 2", lost.Details, StringComparison.Ordinal);
        await Refused.WithAsync(() => node.Client.ReadAsync("lrs-zone2"), StatusCode.Unavailable, ErrorReason.RegionUnavailable);

        // Nothing new gets less than three copies, what is dropped is dropped, and nothing is written into what stands in the zone's place.
        var refused = await Refused.WithAsync(
            () => node.Client.PullAsync(NodeClient.Order("new", content, node.Client.FromUpload("u"), StorageAccountType.StandardZrs, 5)),
            StatusCode.Unavailable,
            ErrorReason.RegionUnavailable
        );
        Assert.Contains("zone 2", refused.Message, StringComparison.Ordinal);
        await node.Client.Replicas.DeleteReplicaAsync(new() { ReplicaId = "zrs-dropped", FencingToken = 2 });
        await Refused.WithAsync(
            () => node.Client.Replicas.DeleteReplicaAsync(new() { ReplicaId = "lrs-zone2", FencingToken = 2 }),
            StatusCode.Unavailable,
            ErrorReason.RegionUnavailable
        );
        Assert.False(Directory.Exists(zone));

        File.Delete(zone);
        Directory.Move(away, zone);
        await HealthyAsync(node, zone: 2, healthy: true);
        await Eventually.Async(async () => (await GetAsync(node, "lrs-zone2")).State == NodeReplicaState.Ready, Patience);
        Assert.Equal(_disk, await node.Client.ReadAsync("lrs-zone2"));
        Assert.Equal(
            NodeReplicaState.Ready,
            (
                await node.Client.PullAsync(
                    NodeClient.Order("new", content, node.Client.FromUpload("u"), StorageAccountType.StandardZrs, 5)
                )
            ).State
        );
        var dropped = Path.Combine(zone, "zrs-004");
        await Eventually.Async(() => Task.FromResult(SegmentFiles.Count(dropped, TestDisk.Blocks(_disk)[3].Bytes) == 0), Patience);
    }

    [Fact]
    public async Task A_zone_that_comes_back_empty_is_filled_from_the_others()
    {
        await using var node = await StartAsync();
        var content = await MakeAsync(node);
        Directory.Move(_data["zone2"], _data["away"]);
        await HealthyAsync(node, zone: 2, healthy: false);
        Directory.CreateDirectory(_data["zone2"]);
        await HealthyAsync(node, zone: 2, healthy: true);
        await Eventually.Async(async () => (await StateOrGoneAsync(node, "lrs-zone2")) is null, Patience);
        Assert.Equal(
            NodeReplicaState.Ready,
            (await node.Client.PullAsync(NodeClient.Order("lrs-zone2", content, node.Client.FromUpload("u"), ordinal: 1, token: 2))).State
        );

        foreach (var (_, block) in TestDisk.Blocks(_disk))
        {
            await Eventually.Async(
                () => Task.FromResult(SegmentFiles.Count(Path.Combine(_data["zone2"], "zrs-000"), block) == 1),
                Patience
            );
        }

        // It now holds the replica, record and all, without the others.
        await node.Host.DisposeAsync();
        Directory.Delete(_data["zone1"], recursive: true);
        Directory.Delete(_data["zone3"], recursive: true);
        await using var alone = await StartAsync();
        Assert.Equal(NodeReplicaState.Ready, (await GetAsync(alone, "zrs")).State);
        Assert.Equal(_disk, await alone.Client.ReadAsync("zrs"));
    }

    [Fact]
    public async Task A_node_starts_without_a_zone_and_takes_up_what_was_in_it_when_it_is_back()
    {
        await using (var node = await StartAsync())
        {
            await MakeAsync(node);
        }

        Directory.Move(_data["zone1"], _data["away"]);
        await File.WriteAllTextAsync(_data["zone1"], "not a folder");
        await using var again = await StartAsync();
        Assert.Equal(_disk, await again.Client.ReadAsync("zrs"));
        Assert.Null(await StateOrGoneAsync(again, "lrs-zone1"));
        Assert.Equal(_disk, await again.Client.ReadAsync("lrs-zone2"));
        await Refused.WithAsync(
            () => again.Client.Replicas.DeleteReplicaAsync(new() { ReplicaId = "lrs-zone1", FencingToken = 2 }),
            StatusCode.Unavailable,
            ErrorReason.RegionUnavailable
        );
        await Refused.WithAsync(() => again.Client.SendAsync("n", _disk), StatusCode.Unavailable, ErrorReason.RegionUnavailable);
        // Nobody knows: that there is none would be taken for the truth.
        await Refused.WithAsync(() => again.Client.CommitAsync("u"), StatusCode.Unavailable, ErrorReason.RegionUnavailable);
        await Refused.WithAsync(() => GetImportAsync(again, "i"), StatusCode.Unavailable, ErrorReason.RegionUnavailable);
        File.Delete(_data["zone1"]);
        Directory.Move(_data["away"], _data["zone1"]);
        await Eventually.Async(async () => (await StateOrGoneAsync(again, "lrs-zone1")) == NodeReplicaState.Ready, Patience);
        Assert.Equal(_disk, await again.Client.ReadAsync("lrs-zone1"));
        Assert.Equal(TestDisk.Occupied(_disk), (await again.Client.CommitAsync("u")).OccupiedSizeBytes);
    }

    [Fact]
    public async Task A_node_starts_though_records_can_not_be_read_and_reads_them_when_they_can()
    {
        await using (var node = await StartAsync())
        {
            await MakeAsync(node);
        }

        // Reading a link to itself fails as a bad sector does.
        var (replica, import) = (RecordPath("lrs-000/replicas/lrs-zone1"), RecordPath("snapshots/imports/i"));
        File.Move(replica, _data["aside"]);
        File.CreateSymbolicLink(replica, replica);
        Directory.CreateDirectory(Path.GetDirectoryName(import)!);
        File.CreateSymbolicLink(import, import);
        await using var again = await StartAsync();
        Assert.Equal(_disk, await again.Client.ReadAsync("zrs"));
        Assert.Equal(_disk, await again.Client.ReadAsync("lrs-zone2"));
        Assert.Null(await StateOrGoneAsync(again, "lrs-zone1"));
        Assert.Equal(TestDisk.Occupied(_disk), (await again.Client.CommitAsync("u")).OccupiedSizeBytes);
        await Refused.WithAsync(() => GetImportAsync(again, "i"), StatusCode.Unavailable, ErrorReason.RegionUnavailable);
        await Refused.WithAsync(() => GetImportAsync(again, "other"), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        Assert.True(new FileInfo(import).LinkTarget is not null);

        File.Move(_data["aside"], replica, overwrite: true);
        File.Delete(import);
        await Eventually.Async(async () => (await StateOrGoneAsync(again, "lrs-zone1")) == NodeReplicaState.Ready, Patience);
        Assert.Equal(_disk, await again.Client.ReadAsync("lrs-zone1"));
        await Eventually.Async(
            async () => (await Assert.ThrowsAsync<RpcException>(() => GetImportAsync(again, "i"))).StatusCode == StatusCode.NotFound,
            Patience
        );
    }

    [Fact]
    public async Task Another_disk_in_the_place_of_a_zone_is_not_written_to()
    {
        await using (var node = await StartAsync())
        {
            await MakeAsync(node);
        }

        Directory.Delete(_data["zone3"], recursive: true);
        Directory.CreateDirectory(_data["zone3"]);
        await File.WriteAllTextAsync(Path.Combine(_data["zone3"], "holiday.jpg"), "somebody else's");
        await using var again = await StartAsync();
        var zone = (await again.Client.Nodes.GetNodeAsync(new())).Node.Zones.Single(zone => zone.Number == 3);
        Assert.False(zone.Healthy);
        Assert.Contains("not the folder it was", zone.Details, StringComparison.Ordinal);
        Assert.Equal(0, zone.AvailableBytes);
        Assert.Equal(_disk, await again.Client.ReadAsync("zrs"));
        Assert.Single(Directory.EnumerateFileSystemEntries(_data["zone3"]));
    }

    /// <summary>One replica in each zone, and two in all three.</summary>
    private async Task<ContentDescriptor> MakeAsync(TestNode node)
    {
        var content = await node.Client.PublishAsync("u", _disk);
        await node.Client.PullAsync(NodeClient.Order("zrs", content, node.Client.FromUpload("u"), StorageAccountType.StandardZrs));
        await node.Client.PullAsync(
            NodeClient.Order("zrs-dropped", content, node.Client.FromUpload("u"), StorageAccountType.StandardZrs, 4)
        );
        await node.Client.PullAsync(NodeClient.Order("lrs-zone1", content, node.Client.FromUpload("u"), ordinal: 0));
        await node.Client.PullAsync(NodeClient.Order("lrs-zone2", content, node.Client.FromUpload("u"), ordinal: 1));
        return content;
    }

    private Task<TestNode> StartAsync() => nodes.StartAsync("zoned", zones: 3, _data, Watchful);

    private string RecordPath(string name) => Path.Combine(_data["zone1"], $"{name}.record");

    private static Task GetImportAsync(TestNode node, string id) =>
        node.Client.Imports.GetImportAsync(new() { UploadId = id }).ResponseAsync;

    private static Task HealthyAsync(TestNode node, int zone, bool healthy) =>
        Eventually.Async(
            async () => (await node.Client.Nodes.GetNodeAsync(new())).Node.Zones.Single(found => found.Number == zone).Healthy == healthy,
            Patience
        );

    private static async Task<NodeReplica> GetAsync(TestNode node, string id) =>
        (await node.Client.Replicas.GetReplicaAsync(new() { ReplicaId = id })).Replica;

    private static async Task<NodeReplicaState?> StateOrGoneAsync(TestNode node, string id)
    {
        try
        {
            return (await GetAsync(node, id)).State;
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            return null;
        }
    }
}
