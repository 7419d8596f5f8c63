using System.Net;
using System.Net.Http.Headers;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Google.Protobuf;
using Grpc.Core;

namespace Gallery.Region.Tests.Node;

[Collection("nodes")]
public sealed class ContentTests(NodesFixture nodes) : IAsyncLifetime
{
    private const string Replica = "reading";
    private readonly byte[] _disk = TestDisk.Make(200, 80);
    private ContentDescriptor _content = new();

    private NodeClient East => nodes.East.Client;

    public async Task InitializeAsync()
    {
        var upload = $"reading-{Guid.NewGuid():N}";
        _content = await East.PublishAsync(upload, _disk);
        await East.PullAsync(NodeClient.Order(Replica, _content, East.FromUpload(upload), StorageAccountType.StandardZrs));
    }

    public Task DisposeAsync() => Task.CompletedTask;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(65535, 2)]
    [InlineData(100_000, 300_000)]
    [InlineData(65536, 65536)]
    [InlineData(5_200_000, 100_000_000)]
    [InlineData(5_275_647, 0)]
    public async Task Any_range_is_read_over_grpc(long offset, long length)
    {
        var end = length == 0 ? _disk.Length : Math.Min(_disk.Length, offset + length);
        Assert.Equal(_disk[(int)offset..(int)end], await East.ReadAsync(Replica, offset, length));
    }

    [Fact]
    public async Task Holes_are_told_not_sent()
    {
        using var call = East.Contents.ReadDisk(new() { ReplicaId = Replica }, Bearer(nodes.Grants.Read("eastus", Replica)));
        long zeros = 0;
        await foreach (var piece in call.ResponseStream.ReadAllAsync())
        {
            zeros += piece.ZeroLength;
        }

        Assert.Equal(_disk.Length - TestDisk.Occupied(_disk), zeros);
    }

    [Fact]
    public async Task A_range_behind_the_end_is_refused()
    {
        Assert.Empty(await East.ReadAsync(Replica, _disk.Length));
        await Refused.WithAsync(() => East.ReadAsync(Replica, _disk.Length + 1), StatusCode.OutOfRange, ErrorReason.OutOfRange);
        await Refused.WithAsync(() => East.ReadAsync(Replica, -1), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);
        await Refused.WithAsync(() => East.ReadAsync(Replica, 0, -1), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);
    }

    [Fact]
    public async Task Only_a_grant_for_this_replica_reads_it()
    {
        await Refused.WithAsync(
            () => East.Contents.ReadDisk(new() { ReplicaId = Replica }, Bearer(nodes.Grants.Read("eastus", "another"))),
            StatusCode.PermissionDenied,
            ErrorReason.GrantNotValid
        );
        await Refused.WithAsync(
            () => East.Contents.ReadDisk(new() { ReplicaId = Replica }),
            StatusCode.Unauthenticated,
            ErrorReason.AuthenticationFailed
        );
        await Refused.WithAsync(
            () => East.Contents.GetContentAsync(new() { ContentDigest = _content.Digest }, Bearer(nodes.Grants.Read("eastus", Replica))),
            StatusCode.PermissionDenied,
            ErrorReason.GrantNotValid
        );
    }

    [Fact]
    public async Task A_content_is_described_and_its_nodes_and_blocks_are_given_out()
    {
        var grant = Bearer(nodes.Grants.Pull("eastus", _content.Digest));
        Assert.Equal(_content, (await East.Contents.GetContentAsync(new() { ContentDigest = _content.Digest }, grant)).Content);
        await Refused.WithAsync(
            () =>
                East.Contents.ReadBlocks(
                    new() { ContentDigest = _content.Digest, BlockDigests = { ByteString.CopyFrom(TestBlocks.Digest(1).ToArray()) } },
                    grant
                ),
            StatusCode.NotFound,
            ErrorReason.ContentNotFound
        );
        await Refused.WithAsync(
            () =>
                East.Contents.ReadManifestNodes(
                    new() { ContentDigest = _content.Digest, NodeDigests = { ByteString.CopyFrom([1, 2]) } },
                    grant
                ),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        var many = new ReadBlocksRequest { ContentDigest = _content.Digest };
        many.BlockDigests.AddRange(Enumerable.Repeat(ByteString.CopyFrom(TestBlocks.Digest(1).ToArray()), 16385));
        await Refused.WithAsync(() => East.Contents.ReadBlocks(many, grant), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);
        await Refused.WithAsync(
            () => East.Contents.GetContentAsync(new() { ContentDigest = "md5:1" }, grant),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        var unknown = $"{TestBlocks.Digest(9)}";
        await Refused.WithAsync(
            () => East.Contents.GetContentAsync(new() { ContentDigest = unknown }, Bearer(nodes.Grants.Pull("eastus", unknown))),
            StatusCode.NotFound,
            ErrorReason.ContentNotFound
        );
    }

    [Theory]
    [InlineData(null, 200, 0, 5_275_648)]
    [InlineData("bytes=0-99", 206, 0, 100)]
    [InlineData("bytes=65000-66000", 206, 65000, 1001)]
    [InlineData("bytes=5275000-", 206, 5_275_000, 648)]
    [InlineData("bytes=-512", 206, 5_275_136, 512)]
    [InlineData("bytes=-99999999", 206, 0, 5_275_648)]
    [InlineData("bytes=5275000-99999999", 206, 5_275_000, 648)]
    [InlineData("bytes=0-1,5-6", 200, 0, 5_275_648)]
    public async Task A_disk_is_served_over_http_by_range(string? range, int status, int offset, int length)
    {
        using var response = await SendAsync(
            HttpMethod.Get,
            request =>
            {
                if (range is not null)
                {
                    request.Headers.TryAddWithoutValidation("Range", range);
                }
            }
        );
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal($"\"{_content.Digest}\"", response.Headers.ETag!.Tag);
        Assert.Equal("bytes", Assert.Single(response.Headers.AcceptRanges));
        Assert.Equal(length, response.Content.Headers.ContentLength);
        Assert.Equal(_disk[offset..(offset + length)], await response.Content.ReadAsByteArrayAsync());
        if (status == 206)
        {
            Assert.Equal(new ContentRangeHeaderValue(offset, offset + length - 1, _disk.Length), response.Content.Headers.ContentRange);
        }
    }

    [Theory]
    [InlineData("bytes=5275648-")]
    [InlineData("bytes=99999999-99999999")]
    [InlineData("bytes=-0")]
    public async Task A_range_that_can_not_be_satisfied_is_refused(string range)
    {
        using var response = await SendAsync(HttpMethod.Get, request => request.Headers.TryAddWithoutValidation("Range", range));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, response.StatusCode);
        Assert.Equal(_disk.Length, response.Content.Headers.ContentRange!.Length);
    }

    [Fact]
    public async Task A_head_tells_the_length_and_sends_nothing()
    {
        using var response = await SendAsync(HttpMethod.Head);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(_disk.Length, response.Content.Headers.ContentLength);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task Conditions_are_honoured()
    {
        var etag = new EntityTagHeaderValue($"\"{_content.Digest}\"");
        using var known = await SendAsync(HttpMethod.Get, request => request.Headers.IfNoneMatch.Add(etag));
        Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);
        using var same = await SendAsync(
            HttpMethod.Get,
            request =>
            {
                request.Headers.IfRange = new RangeConditionHeaderValue(etag);
                request.Headers.Range = new RangeHeaderValue(0, 9);
            }
        );
        Assert.Equal(HttpStatusCode.PartialContent, same.StatusCode);
        using var other = await SendAsync(
            HttpMethod.Get,
            request =>
            {
                request.Headers.IfRange = new RangeConditionHeaderValue(new EntityTagHeaderValue("\"other\""));
                request.Headers.Range = new RangeHeaderValue(0, 9);
            }
        );
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Theory]
    [InlineData("reading", "os", "", HttpStatusCode.Unauthorized)]
    [InlineData("reading", "os", "rubbish", HttpStatusCode.Forbidden)]
    [InlineData("reading", "lun7", "read:reading", HttpStatusCode.NotFound)]
    [InlineData("reading", "..%2f..", "read:reading", HttpStatusCode.BadRequest)]
    [InlineData("nobody", "os", "read:nobody", HttpStatusCode.NotFound)]
    [InlineData("reading", "os", "pull:reading", HttpStatusCode.Forbidden)]
    [InlineData("reading", "os", "read:another", HttpStatusCode.Forbidden)]
    [InlineData("b%C3%A4d", "os", "read:reading", HttpStatusCode.BadRequest)]
    public async Task Http_refuses_as_grpc_does(string replica, string slot, string grant, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/replicas/{replica}/disks/{slot}");
        var parts = grant.Split(':');
        if (grant.Length > 0)
        {
            var token = parts.Length == 2 ? nodes.Grants.Sign("eastus", parts[0], parts[1]) : grant;
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using var response = await nodes.East.Host.Http.SendAsync(request);
        Assert.Equal(status, response.StatusCode);
        Assert.Contains("\"reason\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static Metadata Bearer(string grant) => NodeClient.Bearer(grant);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Action<HttpRequestMessage>? configure = null)
    {
        using var request = new HttpRequestMessage(method, $"/v1/replicas/{Replica}/disks/os");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", nodes.Grants.Read("eastus", Replica));
        configure?.Invoke(request);
        return await nodes.East.Host.Http.SendAsync(request);
    }
}
