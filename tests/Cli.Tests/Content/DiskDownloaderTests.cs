using Gallery.Cli.Content;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Progress;
using Gallery.Cli.Tests.Harness;
using Gallery.Cli.Uploads;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.TestKit;

namespace Gallery.Cli.Tests.Content;

public sealed class DiskDownloaderTests : IAsyncLifetime, IDisposable
{
    private const int Block = TransferOptions.BlockSize;

    private static readonly TransferOptions Small = new()
    {
        RangeBytes = 10 * Block,
        Parallelism = 3,
        FirstPause = TimeSpan.FromMilliseconds(20),
    };

    private readonly FakeContent content = new() { Token = "t" };
    private readonly Channels channels = new(TimeProvider.System);
    private readonly string folder = Directory.CreateTempSubdirectory("gallery-download-").FullName;
    private PeerServer node = null!;

    private string Path1 => Path.Combine(folder, "copy.raw");

    public async Task InitializeAsync() => node = await PeerServer.StartAsync(content);

    public void Dispose() => channels.Dispose();

    public async Task DisposeAsync()
    {
        await node.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_file_is_the_disk_and_its_holes_stay_holes()
    {
        content.Disk = Disk(95);
        await ReceiveAsync();
        Assert.Equal(content.Disk, await File.ReadAllBytesAsync(Path1));
        Assert.Equal([Path1], Directory.GetFiles(folder));
        using var file = File.OpenHandle(Path1);
        Assert.Equal((4 * Block) - 512, FileExtents.WithData(file, content.Disk.Length, Block).Sum(extent => extent.Length));
        Assert.Equal(10, content.Requests.Count);
    }

    [Fact]
    public async Task A_disk_that_is_all_hole_is_a_file_that_is_all_hole()
    {
        content.Disk = new byte[20 * Block];
        await ReceiveAsync();
        using var file = File.OpenHandle(Path1);
        Assert.Empty(FileExtents.WithData(file, 20 * Block, Block));
    }

    [Fact]
    public async Task A_range_that_is_cut_goes_on_where_it_was()
    {
        content.Disk = Disk(95);
        var pieces = 0;
        content.BeforePiece = async _ =>
        {
            if (Interlocked.Increment(ref pieces) == 30)
            {
                await node.StopAsync();
                await node.StartAgainAsync();
            }
        };
        await ReceiveAsync();
        Assert.Equal(content.Disk, await File.ReadAllBytesAsync(Path1));
        Assert.InRange(content.Requests.Count, 11, 16);
    }

    [Fact]
    public async Task An_answer_that_is_not_what_was_asked_for_is_refused_and_leaves_no_file()
    {
        content.Disk = Disk(95);
        content.Distort = piece =>
            piece.Offset == 20 * Block ? new ReadDiskResponse { Offset = piece.Offset + Block, ZeroLength = Block } : piece;
        await Assert.ThrowsAsync<CommandFailure>(() => ReceiveAsync());
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public async Task An_answer_that_ends_early_is_refused()
    {
        content.Disk = Disk(95);
        await Assert.ThrowsAsync<CommandFailure>(() => ReceiveAsync(size: 96 * Block));
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public async Task A_file_that_was_there_is_replaced_only_by_a_complete_one()
    {
        await File.WriteAllTextAsync(Path1, "old");
        content.Disk = Disk(95);
        content.BeforePiece = _ =>
            throw ServiceDefaults.Errors.GalleryError.Create(Grpc.Core.StatusCode.DataLoss, ErrorReason.ContentCorrupt, "Rot.");
        await Assert.ThrowsAsync<Grpc.Core.RpcException>(() => ReceiveAsync());
        Assert.Equal("old", await File.ReadAllTextAsync(Path1));
        content.BeforePiece = _ => Task.CompletedTask;
        await ReceiveAsync();
        Assert.Equal(content.Disk, await File.ReadAllBytesAsync(Path1));
    }

    private static byte[] Disk(int blocks)
    {
        var disk = new byte[(blocks * Block) - 512];
        var random = new Random(1);
        foreach (var (block, count) in new[] { (0, 1), (29, 2), (blocks - 1, 1) })
        {
            random.NextBytes(disk.AsSpan(block * Block, Math.Min(count * Block, disk.Length - (block * Block))));
        }

        return disk;
    }

    private async Task ReceiveAsync(long? size = null)
    {
        var invoker = channels.ToNode("westus", node.Url);
        using var access = new NodeAccess(
            new NodeGrant(invoker, "t", "replica-1", DateTimeOffset.MaxValue),
            _ => throw new InvalidOperationException(),
            Small,
            TimeProvider.System
        );
        var length = size ?? content.Disk.Length;
        using var file = DraftFile.Create(Path1, length);
        var slot = new DiskSlot { OsDisk = true };
        await new DiskDownloader(access, slot, DiskFormat.Raw, file.Handle, length, Small, new Ignored()).ReceiveAsync(
            CancellationToken.None
        );
        file.Keep();
    }

    private sealed class Ignored : IProgress<TransferProgress>
    {
        public void Report(TransferProgress value) { }
    }
}
