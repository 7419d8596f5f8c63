using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Tests.Formats;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Google.Protobuf;
using Grpc.Core;

namespace Gallery.Region.Tests.Node;

[Collection("nodes")]
public sealed class UploadTests(NodesFixture nodes)
{
    private NodeClient West => nodes.West.Client;

    private static string NewId() => $"up-{Guid.NewGuid():N}";

    [Fact]
    public async Task An_upload_is_opened_declared_sent_and_committed()
    {
        var (id, disk) = (NewId(), TestDisk.Make(1));
        var started = await West.Uploads.StartUploadAsync(new() { UploadId = id, FileSizeBytes = disk.Length }, Grant(id));
        Assert.Equal(BlockLayout.BlockSize, started.BlockSizeBytes);
        Assert.Equal(16384, started.MaxDeclaredBlocksPerCall);

        var blocks = TestDisk.Blocks(disk);
        Assert.Equal(blocks.Select(block => block.Index), await West.DeclareAsync(id, disk));
        var half = blocks.Take(10).Select(block => block.Index).ToArray();
        var written = await West.WriteAsync(id, disk, half);
        Assert.Equal(10, written.WrittenBlockCount);

        var upload = (await West.Uploads.GetUploadAsync(new() { UploadId = id }, Grant(id))).Upload;
        Assert.Equal(blocks.Count, upload.DeclaredBlockCount);
        Assert.Equal(blocks.Count - 10, upload.MissingBlockCount);
        Assert.Equal(10 * BlockLayout.BlockSize, upload.ReceivedBytes);
        Assert.Null(upload.Content);

        var refused = await Refused.WithAsync(
            () => West.Commits.CommitUploadAsync(new() { UploadId = id }),
            StatusCode.FailedPrecondition,
            ErrorReason.UploadIncomplete
        );
        Assert.Equal($"{blocks.Count - 10}", refused.Metadata["missing_blocks"]);

        await West.WriteAsync(id, disk, await West.DeclareAsync(id, disk));
        var committed = await West.Commits.CommitUploadAsync(new() { UploadId = id });
        Assert.Equal(DiskFormat.Raw, committed.DetectedFormat);
        Assert.Equal(disk.Length, committed.Upload.Content.VirtualSizeBytes);
        Assert.Equal(TestDisk.Occupied(disk), committed.Upload.Content.OccupiedSizeBytes);
        Assert.Equal(committed, await West.Commits.CommitUploadAsync(new() { UploadId = id }));
    }

    [Fact]
    public async Task A_block_that_the_node_has_is_not_asked_for_again()
    {
        var disk = TestDisk.Make(2);
        await West.PublishAsync(NewId(), disk);
        var id = NewId();
        Assert.Empty(await West.SendAsync(id, disk));
        var content = await West.CommitAsync(id);
        Assert.Equal(TestDisk.Occupied(disk), content.OccupiedSizeBytes);
        Assert.Equal(0, (await West.Uploads.GetUploadAsync(new() { UploadId = id }, Grant(id))).Upload.ReceivedBytes);
    }

    [Fact]
    public async Task Of_equal_blocks_only_the_first_position_is_named()
    {
        var block = TestBlocks.Bytes(4242);
        byte[] file = [.. block, .. block, .. new byte[BlockLayout.BlockSize], .. block];
        var id = NewId();
        Assert.Equal([0], await West.SendAsync(id, file));
        Assert.Equal(3 * BlockLayout.BlockSize, (await West.CommitAsync(id)).OccupiedSizeBytes);
    }

    [Fact]
    public async Task Raw_and_fixed_vhd_of_the_same_disk_are_the_same_content()
    {
        var disk = TestDisk.Make(3);
        byte[] vhd = [.. disk, .. DiskFormatTests.Footer(2, disk.Length)];
        var raw = await West.PublishAsync(NewId(), disk, DiskFormat.Raw);
        var named = await West.PublishAsync(NewId(), vhd, DiskFormat.VhdFixed);
        var found = await West.PublishAsync(NewId(), vhd);
        Assert.Equal(raw, named);
        Assert.Equal(raw, found);
    }

    [Theory]
    [InlineData(BlockLayout.BlockSize)]
    [InlineData(2 * BlockLayout.BlockSize)]
    [InlineData(BlockLayout.BlockSize - 512)]
    [InlineData(BlockLayout.BlockSize + 512)]
    public async Task A_footer_is_cut_off_wherever_the_disk_ends(int size)
    {
        var disk = TestBlocks.Bytes(size, size);
        byte[] vhd = [.. disk, .. DiskFormatTests.Footer(2, disk.Length)];
        var raw = await West.PublishAsync(NewId(), disk, DiskFormat.Raw);
        Assert.Equal(raw, await West.PublishAsync(NewId(), vhd));
    }

    [Fact]
    public async Task A_disk_of_zeros_has_no_block_even_if_zeros_are_declared()
    {
        var (id, file) = (NewId(), new byte[BlockLayout.BlockSize + 512]);
        await West.Uploads.StartUploadAsync(new() { UploadId = id, FileSizeBytes = file.Length }, Grant(id));
        var request = new DeclareBlocksRequest { UploadId = id };
        request.Blocks.Add(Declared(0, file[..BlockLayout.BlockSize]));
        request.Blocks.Add(Declared(1, file[..512]));
        Assert.Empty((await West.Uploads.DeclareBlocksAsync(request, Grant(id))).MissingIndexes);
        var content = await West.CommitAsync(id);
        Assert.Equal(0, content.OccupiedSizeBytes);
        Assert.Equal(content, await West.PublishAsync(NewId(), file));
    }

    [Fact]
    public async Task A_block_without_its_digest_ends_the_call_and_nothing_is_lost()
    {
        var (id, disk) = (NewId(), TestDisk.Make(4));
        await West.Uploads.StartUploadAsync(new() { UploadId = id, FileSizeBytes = disk.Length }, Grant(id));
        var lacking = await West.DeclareAsync(id, disk);
        var wrong = disk.ToArray();
        wrong[5 * BlockLayout.BlockSize] ^= 1;
        await Refused.WithAsync(() => West.WriteAsync(id, wrong, lacking), StatusCode.InvalidArgument, ErrorReason.DigestMismatch);
        await West.WriteAsync(id, disk, await West.DeclareAsync(id, disk));
        await West.CommitAsync(id);

        // Also where the node has the block already.
        var again = NewId();
        await West.SendAsync(again, disk);
        await Refused.WithAsync(() => West.WriteAsync(again, wrong, [5]), StatusCode.InvalidArgument, ErrorReason.DigestMismatch);
    }

    [Fact]
    public async Task A_file_that_is_no_disk_of_its_format_is_refused_and_can_be_dropped()
    {
        var (id, disk) = (NewId(), TestDisk.Make(5));
        await West.SendAsync(id, disk, DiskFormat.VhdFixed);
        var refused = await Refused.WithAsync(
            () => West.Commits.CommitUploadAsync(new() { UploadId = id }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidDiskFormat
        );
        Assert.Contains($"at offset {disk.Length - 512}", refused.Message, StringComparison.Ordinal);
        await West.Commits.DeleteUploadAsync(new() { UploadId = id });
        await West.Commits.DeleteUploadAsync(new() { UploadId = id });
        await Refused.WithAsync(
            () => West.Uploads.GetUploadAsync(new() { UploadId = id }, Grant(id)),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
    }

    [Fact]
    public async Task Opening_again_finds_the_upload_and_another_size_is_refused()
    {
        var id = NewId();
        var first = await West.Uploads.StartUploadAsync(new() { UploadId = id, FileSizeBytes = 1024 }, Grant(id));
        Assert.Equal(first, await West.Uploads.StartUploadAsync(new() { UploadId = id, FileSizeBytes = 1024 }, Grant(id)));
        var refused = await Refused.WithAsync(
            () => West.Uploads.StartUploadAsync(new() { UploadId = id, FileSizeBytes = 2048 }, Grant(id)),
            StatusCode.FailedPrecondition,
            ErrorReason.PropertyChangeNotAllowed
        );
        Assert.Equal("1024", refused.Metadata["current"]);
    }

    [Fact]
    public async Task A_committed_upload_takes_nothing_more()
    {
        var (id, disk) = (NewId(), TestDisk.Make(6, 3));
        await West.PublishAsync(id, disk);
        await Refused.WithAsync(() => West.DeclareAsync(id, disk), StatusCode.FailedPrecondition, ErrorReason.SourceNotUsable);
        await Refused.WithAsync(() => West.WriteAsync(id, disk, [0]), StatusCode.FailedPrecondition, ErrorReason.SourceNotUsable);
    }

    [Theory]
    [InlineData(0L, DiskFormat.Unspecified, ErrorReason.InvalidParameter, StatusCode.InvalidArgument)]
    [InlineData(-5L, DiskFormat.Raw, ErrorReason.InvalidParameter, StatusCode.InvalidArgument)]
    [InlineData(1024L, (DiskFormat)77, ErrorReason.InvalidParameter, StatusCode.InvalidArgument)]
    [InlineData(1000L, DiskFormat.Raw, ErrorReason.InvalidDiskFormat, StatusCode.InvalidArgument)]
    [InlineData(long.MaxValue, DiskFormat.Raw, ErrorReason.InvalidDiskFormat, StatusCode.InvalidArgument)]
    [InlineData(long.MaxValue, DiskFormat.Unspecified, ErrorReason.GallerySourceResourceExceedsMaxSize, StatusCode.InvalidArgument)]
    [InlineData(1L << 41, DiskFormat.Raw, ErrorReason.GallerySourceResourceExceedsMaxSize, StatusCode.InvalidArgument)]
    [InlineData(1L << 41, DiskFormat.Qcow2, ErrorReason.GallerySourceResourceExceedsMaxSize, StatusCode.InvalidArgument)]
    public async Task A_file_that_can_not_be_is_refused_at_once(long size, DiskFormat format, ErrorReason reason, StatusCode code)
    {
        var id = NewId();
        await Refused.WithAsync(
            () =>
                West.Uploads.StartUploadAsync(
                    new()
                    {
                        UploadId = id,
                        FileSizeBytes = size,
                        Format = format,
                    },
                    Grant(id)
                ),
            code,
            reason
        );
        await Refused.WithAsync(
            () => West.Uploads.GetUploadAsync(new() { UploadId = id }, Grant(id)),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
    }

    [Fact]
    public async Task Malformed_blocks_are_refused_by_field()
    {
        var (id, disk) = (NewId(), TestDisk.Make(7, 3));
        await West.SendAsync(id, disk);
        var outside = new DeclareBlocksRequest { UploadId = id, Blocks = { Declared(99, disk[..512]) } };
        var refused = await Refused.WithAsync(
            () => West.Uploads.DeclareBlocksAsync(outside, Grant(id)),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Equal("0 to 3", refused.Field("blocks[0].index"));
        foreach (var digest in new[] { ByteString.Empty, ByteString.CopyFrom(new byte[31]), ByteString.CopyFrom(new byte[32]) })
        {
            var request = new DeclareBlocksRequest
            {
                UploadId = id,
                Blocks =
                {
                    new DeclaredBlock { Index = 0, Digest = digest },
                },
            };
            await Refused.WithAsync(
                () => West.Uploads.DeclareBlocksAsync(request, Grant(id)),
                StatusCode.InvalidArgument,
                ErrorReason.InvalidParameter
            );
        }

        var many = new DeclareBlocksRequest { UploadId = id };
        many.Blocks.AddRange(Enumerable.Repeat(Declared(0, disk[..512]), 16385));
        await Refused.WithAsync(
            () => West.Uploads.DeclareBlocksAsync(many, Grant(id)),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        await Refused.WithAsync(() => West.WriteAsync(id, disk, [1]), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);
        await Refused.WithAsync(() => SendRawAsync(id, -1, disk[..512]), StatusCode.InvalidArgument, ErrorReason.InvalidParameter);
        await Refused.WithAsync(
            () => SendRawAsync(id, long.MaxValue, disk[..512]),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(() => SendRawAsync(id, 0, disk[..512]), StatusCode.InvalidArgument, ErrorReason.DigestMismatch);
        await Refused.WithAsync(() => SendRawAsync(id, 0, []), StatusCode.InvalidArgument, ErrorReason.DigestMismatch);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("ä")]
    public async Task An_id_that_is_none_is_refused(string id) =>
        await Refused.WithAsync(
            () => West.Uploads.StartUploadAsync(new() { UploadId = id, FileSizeBytes = 512 }, Grant("x")),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

    [Fact]
    public async Task Only_a_grant_for_this_upload_on_this_node_opens_it()
    {
        var id = NewId();
        var request = new StartUploadRequest { UploadId = id, FileSizeBytes = 512 };
        string[] others =
        [
            nodes.Grants.Upload("westus", "another"),
            nodes.Grants.Upload("eastus", id),
            nodes.Grants.Read("westus", id),
            nodes.Grants.Sign("westus", "upload", id, TimeSpan.FromMinutes(-5)),
            nodes.Grants.Sign("westus", "upload", id, issuer: "somebody"),
            new TestGrants().Upload("westus", id),
            nodes.Issuer.TokenOf(TestPrincipal.Owner),
            "rubbish",
        ];
        foreach (var grant in others)
        {
            await Refused.WithAsync(
                () => West.Uploads.StartUploadAsync(request, NodeClient.Bearer(grant)),
                StatusCode.PermissionDenied,
                ErrorReason.GrantNotValid
            );
        }

        await Refused.WithAsync(() => West.Uploads.StartUploadAsync(request), StatusCode.Unauthenticated, ErrorReason.AuthenticationFailed);
    }

    [Fact]
    public async Task Committing_is_for_replication_alone()
    {
        var request = new CommitUploadRequest { UploadId = "x" };
        var anonymous = new UploadService.UploadServiceClient(nodes.West.Host.AnonymousChannel());
        await Refused.WithAsync(() => anonymous.CommitUploadAsync(request), StatusCode.Unauthenticated, ErrorReason.AuthenticationFailed);
        await Refused.WithAsync(
            () => anonymous.CommitUploadAsync(request, Grant("x")),
            StatusCode.Unauthenticated,
            ErrorReason.AuthenticationFailed
        );
        var owner = new UploadService.UploadServiceClient(nodes.West.Host.ChannelAs(TestPrincipal.Owner));
        await Refused.WithAsync(() => owner.CommitUploadAsync(request), StatusCode.PermissionDenied, ErrorReason.AuthorizationFailed);
        await Refused.WithAsync(
            () => owner.DeleteUploadAsync(new() { UploadId = "x" }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
        await Refused.WithAsync(() => West.Commits.CommitUploadAsync(request), StatusCode.NotFound, ErrorReason.ResourceNotFound);
    }

    [Fact]
    public async Task An_upload_goes_on_after_a_restart_and_a_committed_one_stays()
    {
        using var data = new TempFolder();
        var (open, done, disk) = (NewId(), NewId(), TestDisk.Make(8));
        ContentDescriptor content;
        await using (var first = await nodes.StartAsync("restart", data: data))
        {
            content = await first.Client.PublishAsync(done, TestDisk.Make(9));
            await first.Client.Uploads.StartUploadAsync(
                new() { UploadId = open, FileSizeBytes = disk.Length },
                NodeClient.Bearer(nodes.Grants.Upload("restart", open))
            );
            var lacking = await first.Client.DeclareAsync(open, disk);
            await first.Client.WriteAsync(open, disk, lacking.Take(lacking.Count / 2));
        }

        await using var second = await nodes.StartAsync("restart", data: data);
        Assert.Equal(content, await second.Client.CommitAsync(done));
        var left = await second.Client.SendAsync(open, disk);
        Assert.Equal(TestDisk.Blocks(disk).Count - (TestDisk.Blocks(disk).Count / 2), left.Count);
        Assert.Equal(TestDisk.Occupied(disk), (await second.Client.CommitAsync(open)).OccupiedSizeBytes);
    }

    [Fact]
    public async Task An_upload_that_nobody_commits_is_dropped_and_its_bytes_are_freed()
    {
        await using var node = await nodes.StartAsync("expiry");
        var (id, kept) = (NewId(), NewId());
        await node.Client.SendAsync(id, TestDisk.Make(10));
        Assert.True(await UsedAsync(node) > 0);
        node.Host.Time.Advance(TimeSpan.FromDays(8));
        await Eventually.Async(async () => await UsedAsync(node) == 0, TimeSpan.FromSeconds(10));
        await node.Client.PublishAsync(kept, TestDisk.Make(10));
        node.Host.Time.Advance(TimeSpan.FromDays(8));
        await Task.Delay(500);
        await node.Client.CommitAsync(kept);
    }

    private static async Task<long> UsedAsync(TestNode node) =>
        (await node.Client.Nodes.GetNodeAsync(new())).Node.Zones.Sum(zone => zone.UsedBytes);

    private static DeclaredBlock Declared(long index, byte[] bytes) =>
        new() { Index = index, Digest = ByteString.CopyFrom(BlockDigest.Of(bytes).ToArray()) };

    private async Task SendRawAsync(string id, long index, byte[] bytes)
    {
        using var call = West.Uploads.WriteBlocks(Grant(id));
        var block = new UploadedBlock { Index = index, Data = ByteString.CopyFrom(bytes) };
        await call.RequestStream.WriteAsync(new WriteBlocksRequest { UploadId = id, Blocks = { block } });
        await call.RequestStream.CompleteAsync();
        await call;
    }

    private Metadata Grant(string id) => NodeClient.Bearer(nodes.Grants.Upload("westus", id));
}
