using System.Diagnostics.Metrics;
using System.Net;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Content;

/// <summary>Blocks over HTTP, from node to node.</summary>
[Collection("nodes")]
public sealed class BulkTests(NodesFixture nodes)
{
    private NodeClient West => nodes.West.Client;

    private NodeClient East => nodes.East.Client;

    private static string NewId() => $"b-{Guid.NewGuid():N}";

    [Fact]
    public async Task Blocks_come_back_to_back_in_the_order_they_were_asked_for()
    {
        var disk = TestDisk.Make(700);
        var content = await West.PublishAsync(NewId(), disk);
        var blocks = TestDisk.Blocks(disk).AsEnumerable().Reverse().ToList();
        using var response = await AskAsync(content, [.. blocks.SelectMany(block => BlockDigest.Of(block.Bytes).ToArray())]);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(blocks.SelectMany(block => block.Bytes), await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task What_can_not_be_given_is_refused_with_a_reason()
    {
        var disk = TestDisk.Make(701, 3);
        var content = await West.PublishAsync(NewId(), disk);
        var digest = BlockDigest.Of(TestDisk.Blocks(disk)[0].Bytes).ToArray();
        await NodeHttp.AssertRefusedAsync(await AskAsync(content, [1, 2, 3]), HttpStatusCode.BadRequest, ErrorReason.InvalidParameter);
        await NodeHttp.AssertRefusedAsync(await AskAsync(content, []), HttpStatusCode.BadRequest, ErrorReason.InvalidParameter);
        await NodeHttp.AssertRefusedAsync(await AskAsync(content, new byte[32]), HttpStatusCode.NotFound, ErrorReason.ContentNotFound);
        await NodeHttp.AssertRefusedAsync(
            await AskAsync(content, digest, grant: ""),
            HttpStatusCode.Unauthorized,
            ErrorReason.AuthenticationFailed
        );
        var other = nodes.Grants.Pull("westus", BlockDigest.Of([1]).ToString());
        await NodeHttp.AssertRefusedAsync(await AskAsync(content, digest, other), HttpStatusCode.Forbidden, ErrorReason.GrantNotValid);
        var unknown = new ContentDescriptor { Digest = BlockDigest.Of([2]).ToString() };
        await NodeHttp.AssertRefusedAsync(await AskAsync(unknown, digest), HttpStatusCode.NotFound, ErrorReason.ContentNotFound);
        await NodeHttp.AssertRefusedAsync(
            await AskAsync(new ContentDescriptor { Digest = "sha256:x" }, digest),
            HttpStatusCode.BadRequest,
            ErrorReason.InvalidParameter
        );
    }

    [Theory]
    [InlineData("")]
    [InlineData("http://127.0.0.1:1")]
    public async Task Without_a_way_for_bulk_blocks_come_over_grpc(string bulkUrl)
    {
        var (replica, disk) = (NewId(), TestDisk.Make(bulkUrl.Length > 0 ? 702 : 707));
        var content = await West.PublishAsync(NewId(), disk);
        var order = NodeClient.Order(replica, content, West.Remote(nodes.West.Url, content, bulkUrl: bulkUrl), ordinal: 70);
        if (bulkUrl.Length > 0)
        {
            // An address at which nobody answers is a node that does not answer: another source has its turn.
            order.Sources.Add(West.Remote(nodes.West.Url, content, bulkUrl: ""));
        }

        Assert.Equal(content.OccupiedSizeBytes, (await East.PullAsync(order)).TransferredBytes);
        Assert.Equal(disk, await East.ReadAsync(replica));
    }

    [Fact]
    public async Task A_block_damaged_at_the_source_is_asked_for_again_where_it_is_mended()
    {
        using var data = new TempFolder();
        await using var source = await nodes.StartAsync("westus", zones: 3, data: data);
        var (replica, disk) = (NewId(), TestDisk.Make(703));
        var content = await source.Client.PublishAsync("damaged", disk);
        await source.Client.PullAsync(
            NodeClient.Order("home", content, source.Client.FromUpload("damaged"), StorageAccountType.StandardZrs)
        );
        await source.Client.Commits.DeleteUploadAsync(new() { UploadId = "damaged" });
        DamageFirstZone(data.Path, TestDisk.Blocks(disk)[7].Bytes);

        var made = await East.PullAsync(NodeClient.Order(replica, content, source.Client.Remote(source.Url, content), ordinal: 71));
        Assert.Equal(NodeReplicaState.Ready, made.State);
        Assert.Equal(disk, await East.ReadAsync(replica));
    }

    [Fact]
    public async Task A_successor_comes_as_what_changed_inside_its_blocks()
    {
        var disk = TestDisk.Make(710, 120);
        var (first, second) = (NewId(), NewId());
        var before = await West.PublishAsync(first, disk);
        await East.PullAsync(NodeClient.Order(first, before, West.Remote(nodes.West.Url, before), ordinal: 72));

        var blocks = TestDisk.Blocks(disk);
        foreach (var (index, _) in blocks.Where(block => block.Index % 2 == 0))
        {
            disk[(index * BlockLayout.BlockSize) + 1000] ^= 1;
        }

        // A block where there was a hole, and the shorter block at the end, have their own ways through the code.
        new Random(711).NextBytes(disk.AsSpan(BlockLayout.BlockSize, BlockLayout.BlockSize));
        disk[^1] ^= 1;
        var after = await West.PublishAsync(second, disk);
        using var received = new CounterOf("gallery.region.received");
        var made = await East.PullAsync(NodeClient.Order(second, after, West.Remote(nodes.West.Url, after), ordinal: 72));
        Assert.InRange(made.TransferredBytes, 41 * BlockLayout.BlockSize, 43 * BlockLayout.BlockSize);
        // One whole block of noise, and a bitmap and 64 bytes for each of the others.
        Assert.InRange(received.Sum, BlockLayout.BlockSize, 2 * BlockLayout.BlockSize);
        Assert.Equal(disk, await East.ReadAsync(second));
    }

    [Fact]
    public async Task A_delta_to_a_block_that_rotted_is_no_harm()
    {
        var disk = TestDisk.Make(712, 100);
        var (first, second) = (NewId(), NewId());
        using var data = new TempFolder();
        await using var target = await nodes.StartAsync("northeurope", data: data);
        var before = await West.PublishAsync(first, disk);
        await target.Client.PullAsync(NodeClient.Order(first, before, West.Remote(nodes.West.Url, before)));
        DamageFirstZone(data.Path, TestDisk.Blocks(disk)[5].Bytes);
        var changed = TestDisk.Blocks(disk)[5].Index;
        disk[changed * BlockLayout.BlockSize] ^= 1;
        var after = await West.PublishAsync(second, disk);
        var made = await target.Client.PullAsync(NodeClient.Order(second, after, West.Remote(nodes.West.Url, after)));
        Assert.Equal(NodeReplicaState.Ready, made.State);
        Assert.Equal(disk, await target.Client.ReadAsync(second));
    }

    private static void DamageFirstZone(string folder, byte[] block)
    {
        var found = 0;
        foreach (
            var path in Directory
                .EnumerateFiles(folder, "*.seg", SearchOption.AllDirectories)
                .Where(path => path.Contains("zone1", StringComparison.Ordinal))
        )
        {
            var bytes = File.ReadAllBytes(path);
            var at = bytes.AsSpan().IndexOf(block);
            if (at >= 0)
            {
                bytes[at + 100] ^= 1;
                File.WriteAllBytes(path, bytes);
                found++;
            }
        }

        Assert.NotEqual(0, found);
    }

    private Task<HttpResponseMessage> AskAsync(ContentDescriptor content, byte[] digests, string? grant = null) =>
        nodes.West.PostAsync($"/v1/contents/{content.Digest}/blocks", digests, grant ?? nodes.Grants.Pull("westus", content.Digest));

    /// <summary>Adds up what a counter of the node counts.</summary>
    private sealed class CounterOf : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _sum;

        public CounterOf(string name)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == name)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref _sum, value));
            _listener.Start();
        }

        public long Sum => Interlocked.Read(ref _sum);

        public void Dispose() => _listener.Dispose();
    }
}
