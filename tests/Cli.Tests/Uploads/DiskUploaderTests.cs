using Gallery.Cli.Endpoints;
using Gallery.Cli.Progress;
using Gallery.Cli.Tests.Harness;
using Gallery.Cli.Uploads;
using Gallery.Contracts.Common.V1;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Cli.Tests.Uploads;

public sealed class DiskUploaderTests : IAsyncLifetime, IDisposable
{
    private const int Block = TransferOptions.BlockSize;

    private static readonly TransferOptions Small = new()
    {
        BatchBlocks = 8,
        MessageBlocks = 3,
        Parallelism = 3,
        FirstPause = TimeSpan.FromMilliseconds(20),
    };

    private readonly FakeUploads uploads = new() { Token = "t" };
    private readonly Channels channels = new(TimeProvider.System);
    private readonly string path = Path.Combine(Directory.CreateTempSubdirectory("gallery-upload-").FullName, "disk.raw");
    private PeerServer node = null!;
    private int renewals;
    private int restarts;

    public async Task InitializeAsync() => node = await PeerServer.StartAsync(uploads);

    public void Dispose() => channels.Dispose();

    public async Task DisposeAsync()
    {
        await node.DisposeAsync();
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Fact]
    public async Task The_node_gets_the_file_and_only_its_data_crosses_the_network()
    {
        var file = SparseFile.Create(
            path,
            (400 * Block) + 512,
            seed: 1,
            (0, 100),
            (7 * Block, 90 * Block),
            (200 * Block + 5, 5),
            (400 * Block, 512)
        );
        var last = await SendAsync(Small);
        Assert.Equal(file, uploads.Assemble());
        Assert.Equal((92 * Block) + 512, uploads.Received);
        Assert.Equal(new TransferProgress((92 * Block) + 512, (92 * Block) + 512, uploads.Received), last);
        Assert.InRange(uploads.LargestDeclaration, 1, Small.BatchBlocks);
        Assert.InRange(uploads.LargestMessage, 1, (Small.MessageBlocks * Block) + 200);
    }

    [Fact]
    public async Task Blocks_that_the_node_has_are_not_sent_again()
    {
        SparseFile.Create(path, 100 * Block, seed: 2, (0, 100 * Block));
        await SendAsync(Small);
        var once = uploads.Received;
        await SendAsync(Small);
        Assert.Equal(once, uploads.Received);
    }

    [Fact]
    public async Task Equal_blocks_are_sent_once_and_zero_blocks_never()
    {
        var block = new byte[Block];
        new Random(3).NextBytes(block);
        await File.WriteAllBytesAsync(path, [.. block, .. new byte[Block], .. block, .. block]);
        await SendAsync(Small);
        Assert.Equal(Block, uploads.Received);
    }

    [Fact]
    public async Task A_restart_of_the_node_costs_no_block_that_was_answered()
    {
        var file = SparseFile.Create(path, 200 * Block, seed: 4, (0, 200 * Block));
        Task? restart = null;
        uploads.BeforeBlocks = async received =>
        {
            if (received > 60 * Block && Interlocked.CompareExchange(ref restart, Task.Run(RestartAsync), null) is null)
            {
                await Task.Delay(50);
            }
        };
        await SendAsync(Small);
        Assert.Equal(file, uploads.Assemble());
        await restart!;
        Assert.InRange(uploads.Received, 200 * Block, (200 + (Small.BatchBlocks * Small.Parallelism)) * Block);
    }

    private async Task RestartAsync()
    {
        if (Interlocked.Increment(ref restarts) == 1)
        {
            await node.StopAsync();
            await Task.Delay(100);
            await node.StartAgainAsync();
        }
    }

    [Fact]
    public async Task A_node_that_stays_away_ends_the_upload_as_unavailable()
    {
        SparseFile.Create(path, 20 * Block, seed: 5, (0, 20 * Block));
        await node.StopAsync();
        var cut = await Assert.ThrowsAsync<RpcException>(() => SendAsync(Small with { Attempts = 3 }));
        Assert.Equal(StatusCode.Unavailable, cut.StatusCode);
    }

    [Fact]
    public async Task A_grant_that_has_ended_is_renewed()
    {
        var file = SparseFile.Create(path, 20 * Block, seed: 6, (0, 20 * Block));
        uploads.Token = "t2";
        await SendAsync(Small);
        Assert.Equal(file, uploads.Assemble());
        Assert.Equal(1, renewals);
    }

    [Fact]
    public async Task A_grant_that_is_about_to_end_is_renewed_before_it_is_used()
    {
        SparseFile.Create(path, 2 * Block, seed: 6, (0, 2 * Block));
        await SendAsync(Small, grantEnds: DateTimeOffset.UtcNow.AddSeconds(5));
        Assert.Equal(1, renewals);
    }

    [Fact]
    public async Task A_file_that_is_written_to_meanwhile_is_refused()
    {
        SparseFile.Create(path, 64 * Block, seed: 7, (0, 64 * Block));
        uploads.BeforeBlocks = _ =>
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(1));
            return Task.CompletedTask;
        };
        var refused = await Assert.ThrowsAsync<CommandFailure>(() => SendAsync(Small));
        Assert.Contains("changed", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_becomes_shorter_meanwhile_is_refused()
    {
        SparseFile.Create(path, 64 * Block, seed: 8, (0, 64 * Block));
        using var disk = DiskFile.Open(path);
        using (var writer = File.Open(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            writer.SetLength(10 * Block);
        }

        var refused = await Assert.ThrowsAsync<CommandFailure>(() => SendAsync(disk, Small));
        Assert.Contains("changed", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_node_refuses_in_the_middle_of_a_stream_is_told_with_its_reason()
    {
        SparseFile.Create(path, 64 * Block, seed: 9, (0, 64 * Block));
        uploads.BeforeBlocks = _ =>
            throw ServiceDefaults.Errors.GalleryError.Create(StatusCode.ResourceExhausted, ErrorReason.StorageExhausted, "No room left.");
        var refused = await Assert.ThrowsAsync<RpcException>(() => SendAsync(Small));
        Assert.Equal("StorageExhausted", Gallery.Cli.Errors.ErrorReport.From(refused).Reason);
    }

    [Fact]
    public async Task Cancelling_ends_it_at_once()
    {
        SparseFile.Create(path, 64 * Block, seed: 10, (0, 64 * Block));
        using var cancel = new CancellationTokenSource();
        uploads.BeforeBlocks = async _ =>
        {
            await cancel.CancelAsync();
            await Task.Delay(50, CancellationToken.None);
        };
        var ended = await Record.ExceptionAsync(() => SendAsync(Small, cancellation: cancel.Token).WaitAsync(TimeSpan.FromSeconds(5)));
        Assert.Equal(ExitCode.Interrupted, Gallery.Cli.Errors.ErrorReport.From(ended!, interrupted: true).ExitCode);
    }

    private async Task<TransferProgress> SendAsync(
        TransferOptions options,
        DateTimeOffset? grantEnds = null,
        CancellationToken cancellation = default
    )
    {
        using var disk = DiskFile.Open(path);
        return await SendAsync(disk, options, grantEnds, cancellation);
    }

    private async Task<TransferProgress> SendAsync(
        DiskFile disk,
        TransferOptions options,
        DateTimeOffset? grantEnds = null,
        CancellationToken cancellation = default
    )
    {
        var invoker = channels.ToNode("westus", node.Url);
        using var access = new NodeAccess(
            new NodeGrant(invoker, "t", "upload-1", grantEnds ?? DateTimeOffset.MaxValue),
            _ =>
            {
                renewals++;
                return Task.FromResult(new NodeGrant(invoker, uploads.Token, "upload-1", DateTimeOffset.MaxValue));
            },
            options,
            TimeProvider.System
        );
        var last = new Last();
        await new DiskUploader(disk, access, options, last).SendAsync(DiskFormat.Raw, cancellation);
        return last.Value;
    }

    private sealed class Last : IProgress<TransferProgress>
    {
        private readonly Lock gate = new();

        public TransferProgress Value { get; private set; }

        public void Report(TransferProgress value)
        {
            lock (gate)
            {
                Value = value.DoneBytes >= Value.DoneBytes ? value : Value;
            }
        }
    }
}
