using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.Region.Tests.Node;

/// <summary>What does not fit is refused before it moves, and moves once at the most however often it is tried.</summary>
[Collection("nodes")]
public sealed class RoomTests(NodesFixture nodes)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private NodeClient West => nodes.West.Client;

    [Fact]
    public async Task What_can_not_fit_is_refused_before_anybody_is_asked_for_it()
    {
        await using var node = await StartAsync(2_000_000);
        var content = await West.PublishAsync(NewId(), TestDisk.Make(460, 90));
        await RefusedAsync(node, "r", content, Nobody(content));
    }

    [Fact]
    public async Task A_full_node_has_the_list_of_blocks_sent_once_and_asks_nobody_again()
    {
        // Room for one of two that have nothing in common, which is seen only when the blocks are known.
        await using var node = await StartAsync(2_600_000);
        var (first, second) = (await West.PublishAsync(NewId(), TestDisk.Make(461)), await West.PublishAsync(NewId(), TestDisk.Make(462)));
        await node.Client.PullAsync(NodeClient.Order("first", first, West.Remote(nodes.West.Url, first)));
        Assert.InRange(first.OccupiedSizeBytes + second.OccupiedSizeBytes, 2_600_001, 5_200_000);
        var used = await UsedAsync(node);
        await RefusedAsync(node, "second", second, West.Remote(nodes.West.Url, second));
        Assert.InRange(await UsedAsync(node) - used, 1, 3 * AlignedMemory.PageSize);
        await RefusedAsync(node, "second", second, Nobody(second));
        await RefusedAsync(node, "third", second, Nobody(second));
    }

    [Fact]
    public async Task Room_that_a_running_pull_was_let_in_for_is_not_given_to_another_one()
    {
        await using var stalled = await BulkServer.StartAsync(stalls: true);
        await using var node = await StartAsync(2_600_000, ("Region:SourceTimeout", "00:10:00"));
        var (first, second) = (await West.PublishAsync(NewId(), TestDisk.Make(463)), await West.PublishAsync(NewId(), TestDisk.Make(464)));
        var order = NodeClient.Order("first", first, West.Remote(nodes.West.Url, first, bulkUrl: stalled.Url));
        using (var call = node.Client.Replicas.PullReplica(order))
        {
            Assert.True(await call.ResponseStream.MoveNext(default));
            await Eventually.Async(() => !stalled.Accepted.IsEmpty, Patience);
            await RefusedAsync(node, "second", second, West.Remote(nodes.West.Url, second));
        }

        await node.Client.Replicas.StopReplicaAsync(new() { ReplicaId = "first", FencingToken = 1 });
        var made = await node.Client.PullAsync(NodeClient.Order("second", second, West.Remote(nodes.West.Url, second)));
        Assert.Equal(NodeReplicaState.Ready, made.State);
    }

    [Fact]
    public void A_replica_for_three_zones_on_one_disk_takes_three_times_its_size()
    {
        var stores = nodes.East.Host.Services.GetRequiredService<StoreSet>();
        var (one, three) = (new StoreName(StorageAccountType.StandardLrs, 0), new StoreName(StorageAccountType.StandardZrs, 0));
        // Others write to this disk as well, so the figures are not exact.
        Assert.InRange((double)stores.AvailableTo(three) / stores.AvailableTo(one), 0.3, 0.37);
        var available = stores.AvailableTo(one);
        Assert.InRange((double)stores.AvailableTo(one, (three, available / 6)) / available, 0.45, 0.55);
    }

    [Fact]
    public async Task While_a_zone_is_away_a_pull_into_all_zones_is_refused_for_that_and_not_for_want_of_room()
    {
        using var data = new TempFolder();
        await using var node = await nodes.StartAsync("roomy", zones: 3, data, ("Region:ZoneCheckInterval", "00:00:00.100"));
        var content = await West.PublishAsync(NewId(), TestDisk.Make(465));
        Directory.Move(data["zone2"], data["away"]);
        await Eventually.Async(async () => !(await node.Client.Nodes.GetNodeAsync(new())).Node.Zones[1].Healthy, Patience);
        var refused = await Refused.WithAsync(
            () => node.Client.PullAsync(NodeClient.Order("r", content, Nobody(content), StorageAccountType.StandardZrs)),
            StatusCode.Unavailable,
            ErrorReason.RegionUnavailable
        );
        Assert.Contains("zone 2", refused.Message, StringComparison.Ordinal);
    }

    private static string NewId() => $"room-{Guid.NewGuid():N}";

    /// <summary>A node at which nobody answers.</summary>
    private PullSource Nobody(ContentDescriptor content) => West.Remote("http://127.0.0.1:1", content, bulkUrl: "");

    private Task<TestNode> StartAsync(long capacity, params (string, string)[] settings) =>
        nodes.StartAsync("narrow", settings: [("Region:CapacityBytes", $"{capacity}"), .. settings]);

    private static Task RefusedAsync(TestNode node, string replica, ContentDescriptor content, PullSource source) =>
        Refused.WithAsync(
            () => node.Client.PullAsync(NodeClient.Order(replica, content, source)),
            StatusCode.ResourceExhausted,
            ErrorReason.StorageExhausted
        );

    private static async Task<long> UsedAsync(TestNode node) =>
        (await node.Client.Nodes.GetNodeAsync(new())).Node.Zones.Sum(zone => zone.UsedBytes);
}
