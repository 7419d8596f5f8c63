using System.Buffers.Binary;
using System.IO.Hashing;
using System.Net;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Tests.Support;
using Grpc.Core;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Gallery.Region.Tests.Content;

/// <summary>Blocks over HTTP, from clients.</summary>
[Collection("nodes")]
public sealed class UploadBulkTests(NodesFixture nodes)
{
    private NodeClient West => nodes.West.Client;

    private NodeClient East => nodes.East.Client;

    private static string NewId() => $"u-{Guid.NewGuid():N}";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Clients_send_blocks_in_bulk(bool compressed)
    {
        var (id, disk) = (NewId(), TestDisk.Make(compressed ? 704 : 705));
        var lacking = await OpenAsync(id, disk);
        var body = BodyOf(disk, lacking);
        using var response = await SendAsync(id, compressed ? Compress(body) : body, compressed ? "zstd" : null);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Empty(await West.DeclareAsync(id, disk));
        var content = await West.CommitAsync(id);
        Assert.Equal(TestDisk.Occupied(disk), content.OccupiedSizeBytes);
    }

    [Fact]
    public async Task What_is_wrong_with_sent_blocks_is_told_and_the_good_ones_are_kept_or_not_but_never_a_bad_one()
    {
        var (id, disk) = (NewId(), TestDisk.Make(706));
        var lacking = await OpenAsync(id, disk);
        var body = BodyOf(disk, lacking);
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(id, body, grant: ""),
            HttpStatusCode.Unauthorized,
            ErrorReason.AuthenticationFailed
        );
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, []), HttpStatusCode.BadRequest, ErrorReason.InvalidParameter);
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, [0, 0, 0, 0]), HttpStatusCode.BadRequest, ErrorReason.InvalidParameter);
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(id, [255, 255, 255, 255]),
            HttpStatusCode.BadRequest,
            ErrorReason.InvalidParameter
        );
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, body[..^1]), HttpStatusCode.BadRequest, ErrorReason.InvalidParameter);
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, body, "br"), HttpStatusCode.BadRequest, ErrorReason.InvalidParameter);
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, body, "zstd"), HttpStatusCode.BadRequest, ErrorReason.InvalidParameter);
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(id, Compress(body)[..^100], "zstd"),
            HttpStatusCode.BadRequest,
            ErrorReason.InvalidParameter
        );
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(id, CompressWithWindow(body, 24), "zstd"),
            HttpStatusCode.BadRequest,
            ErrorReason.InvalidParameter
        );
        // Position 1 is a hole, so nobody declared it.
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, BodyOf(disk, [1])), HttpStatusCode.BadRequest, ErrorReason.InvalidParameter);
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(id, BodyOf(disk, [-1], 0)),
            HttpStatusCode.BadRequest,
            ErrorReason.InvalidParameter
        );

        var bad = BodyOf(disk, lacking);
        bad[^1] ^= 1;
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, bad), HttpStatusCode.BadRequest, ErrorReason.DigestMismatch);
        Assert.Contains(lacking[^1], await West.DeclareAsync(id, disk));

        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(id, BodyOf(disk, await West.DeclareAsync(id, disk)))).StatusCode);
        await West.CommitAsync(id);
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, body), HttpStatusCode.Conflict, ErrorReason.SourceNotUsable);
        await NodeHttp.AssertRefusedAsync(await SendAsync(NewId(), body), HttpStatusCode.NotFound, ErrorReason.ResourceNotFound);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task New_blocks_need_not_be_declared(bool compressed)
    {
        var (id, disk) = (NewId(), TestDisk.Make(compressed ? 720 : 721, 130));
        disk.AsSpan(0, 3 * BlockLayout.BlockSize).CopyTo(disk.AsSpan(100 * BlockLayout.BlockSize));
        await StartAsync(id, disk);
        // All positions: holes, blocks that come twice and the short one at the end.
        var body = BodyOf(disk, [.. Enumerable.Range(0, 131).Select(i => (long)i)], withChecksums: true);
        using var response = await SendAsync(id, compressed ? Compress(body) : body, compressed ? "zstd" : null, query: "?declare=true");
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Empty(await West.DeclareAsync(id, disk));
        var content = await West.CommitAsync(id);
        Assert.Equal(TestDisk.Occupied(disk), content.OccupiedSizeBytes);
        var distinct = TestDisk.Blocks(disk).DistinctBy(block => BlockDigest.Of(block.Bytes)).Sum(block => (long)block.Bytes.Length);
        Assert.Equal(distinct, (await GetAsync(id)).ReceivedBytes);

        await East.PullAsync(NodeClient.Order(id, content, West.Remote(nodes.West.Url, content), ordinal: compressed ? 80 : 81));
        Assert.Equal(disk, await East.ReadAsync(id));
    }

    [Fact]
    public async Task Blocks_that_are_there_already_are_not_written_again()
    {
        var disk = TestDisk.Make(722);
        await West.PublishAsync(NewId(), disk);
        var id = NewId();
        await StartAsync(id, disk);
        var body = BodyOf(disk, [.. TestDisk.Blocks(disk).Select(block => block.Index)], withChecksums: true);
        using var response = await SendAsync(id, body, query: "?declare=true");
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Equal(TestDisk.Occupied(disk), (await West.CommitAsync(id)).OccupiedSizeBytes);
        Assert.Equal(0, (await GetAsync(id)).ReceivedBytes);
    }

    [Fact]
    public async Task What_is_wrong_with_undeclared_blocks_is_told_and_none_of_them_is_declared()
    {
        var (id, disk) = (NewId(), TestDisk.Make(723));
        await StartAsync(id, disk);
        long[] all = [.. TestDisk.Blocks(disk).Select(block => block.Index)];
        var body = BodyOf(disk, all, withChecksums: true);
        const string Declare = "?declare=true";
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(id, body, query: "?declare=yes"),
            HttpStatusCode.BadRequest,
            ErrorReason.InvalidParameter
        );
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(id, body, grant: "", query: Declare),
            HttpStatusCode.Unauthorized,
            ErrorReason.AuthenticationFailed
        );
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(id, body[..^1], query: Declare),
            HttpStatusCode.BadRequest,
            ErrorReason.InvalidParameter
        );
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(id, body[..40], query: Declare),
            HttpStatusCode.BadRequest,
            ErrorReason.InvalidParameter
        );
        foreach (var outside in new long[] { -1, 41, long.MaxValue })
        {
            var far = BodyOf(disk, [outside], length: 0, withChecksums: true);
            await NodeHttp.AssertRefusedAsync(
                await SendAsync(id, far, query: Declare),
                HttpStatusCode.BadRequest,
                ErrorReason.InvalidParameter
            );
        }

        body[^1] ^= 1;
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, body, query: Declare), HttpStatusCode.BadRequest, ErrorReason.DigestMismatch);
        Assert.Equal(0, (await GetAsync(id)).DeclaredBlockCount);

        body[^1] ^= 1;
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(id, body, query: Declare)).StatusCode);
        await West.CommitAsync(id);
        await NodeHttp.AssertRefusedAsync(await SendAsync(id, body, query: Declare), HttpStatusCode.Conflict, ErrorReason.SourceNotUsable);
        await NodeHttp.AssertRefusedAsync(
            await SendAsync(NewId(), body, query: Declare),
            HttpStatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
    }

    private static byte[] BodyOf(byte[] file, IReadOnlyList<long> positions, int? length = null, bool withChecksums = false)
    {
        var body = new MemoryStream();
        var number = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(number, positions.Count);
        body.Write(number, 0, 4);
        foreach (var position in positions)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, position);
            body.Write(number);
        }

        foreach (var position in withChecksums ? positions : [])
        {
            BinaryPrimitives.WriteUInt64LittleEndian(number, XxHash3.HashToUInt64(BlockOf(file, position, length)));
            body.Write(number);
        }

        foreach (var position in positions)
        {
            body.Write(BlockOf(file, position, length));
        }

        return body.ToArray();
    }

    private static ReadOnlySpan<byte> BlockOf(byte[] file, long position, int? length) =>
        length == 0
            ? []
            : file.AsSpan((int)(Math.Max(0, position) * BlockLayout.BlockSize), length ?? BlockLayout.LengthOf(position, file.Length));

    private static byte[] Compress(byte[] body)
    {
        using var compressor = new Compressor();
        return compressor.Wrap(body).ToArray();
    }

    /// <summary>A stream whose receiver is to remember its last 2^log bytes.</summary>
    private static byte[] CompressWithWindow(byte[] body, int log)
    {
        using var packed = new MemoryStream();
        using (var zstd = new CompressionStream(packed, leaveOpen: true))
        {
            zstd.SetParameter(ZSTD_cParameter.ZSTD_c_windowLog, log);
            zstd.Write(body);
        }

        return packed.ToArray();
    }

    private async Task<List<long>> OpenAsync(string id, byte[] disk)
    {
        await StartAsync(id, disk);
        return await West.DeclareAsync(id, disk);
    }

    private async Task StartAsync(string id, byte[] disk) =>
        await West.Uploads.StartUploadAsync(new() { UploadId = id, FileSizeBytes = disk.Length }, GrantOf(id));

    private async Task<Upload> GetAsync(string id) => (await West.Uploads.GetUploadAsync(new() { UploadId = id }, GrantOf(id))).Upload;

    private Metadata GrantOf(string id) => NodeClient.Bearer(nodes.Grants.Upload("westus", id));

    private Task<HttpResponseMessage> SendAsync(string id, byte[] body, string? encoding = null, string? grant = null, string query = "") =>
        nodes.West.PostAsync($"/v1/uploads/{id}/blocks{query}", body, grant ?? nodes.Grants.Upload("westus", id), encoding);
}
