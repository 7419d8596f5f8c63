using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Content;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.Region.Tests.Content;

/// <summary>Links to other regions that are slow, or where nothing comes at all.</summary>
[Collection("nodes")]
public sealed class SlowLinkTests(NodesFixture nodes)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private NodeClient West => nodes.West.Client;

    private static string NewId() => $"s-{Guid.NewGuid():N}";

    [Fact]
    public async Task Pulls_over_stalled_links_leave_batches_to_other_regions_and_to_the_node_itself()
    {
        await using var stalled = await BulkServer.StartAsync(stalls: true);
        await using var node = await nodes.StartAsync("slow", settings: ("Region:SourceTimeout", "00:10:00"));
        var pool = node.Host.Services.GetRequiredService<BlockBatchPool>();
        var content = await West.PublishAsync(NewId(), TestDisk.Make(720));

        // One link: it gets half of the batches, however many pulls wait for it.
        var pulls = await StallAsync(node, content, stalled, "slow-a", ordinal: 0, count: 9);
        await HoldAsync(BlockBatchPool.DefaultLimit / 2);
        var (other, fetched) = (NewId(), TestDisk.Make(721));
        var prompt = await West.PublishAsync(NewId(), fetched);
        await node.Client.PullAsync(NodeClient.Order(other, prompt, West.Remote(nodes.West.Url, prompt), ordinal: 20)).WaitAsync(Patience);
        Assert.Equal(fetched, await node.Client.ReadAsync(other));

        // And another one: together they get three quarters.
        pulls.AddRange(await StallAsync(node, content, stalled, "slow-b", ordinal: 9, count: 6));
        await HoldAsync(BlockBatchPool.DefaultLimit * 3 / 4);
        var (upload, replica, disk) = (NewId(), NewId(), TestDisk.Make(722));
        var local = await node.Client.PublishAsync(upload, disk).WaitAsync(Patience);
        await node.Client.PullAsync(NodeClient.Order(replica, local, node.Client.FromUpload(upload), ordinal: 20)).WaitAsync(Patience);
        Assert.Equal(disk, await node.Client.ReadAsync(replica));
        foreach (var pull in pulls)
        {
            await node.Client.Replicas.StopReplicaAsync(new() { ReplicaId = pull, FencingToken = 1 });
        }

        Assert.Equal(0, pool.Rented);

        // Every one of them is with a pull whose blocks are announced and do not come.
        Task HoldAsync(int batches) =>
            Eventually.GetAsync(
                () => Task.FromResult((Waiting: stalled.Accepted.Count, pool.Rented)),
                seen => seen.Waiting >= batches && seen.Rented == batches,
                Patience
            );
    }

    [Theory]
    [InlineData(1_000_000, "zstd")]
    [InlineData(1_000_000_000, "")]
    [InlineData(0, "")]
    public async Task Blocks_over_a_link_that_is_known_to_be_slow_are_compressed_from_the_first_on(long linkBytesPerSecond, string accepted)
    {
        await using var bulk = await BulkServer.StartAsync(stalls: false);
        await using var node = await nodes.StartAsync("known");
        var disk = TestDisk.Make(723);
        var content = await West.PublishAsync(NewId(), disk);
        var source = West.Remote(nodes.West.Url, content, bulkUrl: bulk.Url);
        source.Remote.LinkBytesPerSecond = linkBytesPerSecond;
        await node.Client.PullAsync(NodeClient.Order("r", content, source));
        Assert.Equal([accepted], bulk.Accepted);
        Assert.Equal(disk, await node.Client.ReadAsync("r"));
    }

    [Fact]
    public void What_was_measured_counts_more_than_what_was_expected()
    {
        var speed = new LinkSpeed();
        Assert.False(speed.IsSlow);
        speed.Expect(1_000_000);
        Assert.True(speed.IsSlow);
        speed.Expect(0);
        Assert.False(speed.IsSlow);
        speed.Expect(30_000_000); // Two requests share it.
        Assert.True(speed.IsSlow);
        speed.Add(100_000_000, TimeSpan.FromSeconds(1));
        Assert.False(speed.IsSlow);
        speed.Expect(1_000_000);
        Assert.False(speed.IsSlow);
    }

    /// <summary>Begins pulls that come to a halt at their first block.</summary>
    private async Task<List<string>> StallAsync(
        TestNode node,
        ContentDescriptor content,
        BulkServer stalled,
        string region,
        int ordinal,
        int count
    )
    {
        var ids = Enumerable.Range(0, count).Select(_ => NewId()).ToList();
        for (var i = 0; i < count; i++)
        {
            var source = West.Remote(nodes.West.Url, content, bulkUrl: stalled.Url);
            source.Region = region;
            var order = NodeClient.Order(ids[i], content, source, ordinal: ordinal + i);
            using var call = node.Client.Replicas.PullReplica(order);
            Assert.True(await call.ResponseStream.MoveNext(default));
        }

        return ids;
    }
}
