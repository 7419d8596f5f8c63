using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;
using Gallery.Region.Tests.Support;
using Gallery.Region.Transfers;

namespace Gallery.Region.Tests.Transfers;

public sealed class ContentTransferTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly BlockBatchPool _pool = new();
    private readonly TransferProgress _progress = new();
    private StoreSet? _stores;

    private RegionStore From => _stores!.Snapshots;

    private RegionStore To => _stores!.Get(new StoreName(StorageAccountType.StandardZrs, 0));

    public Task InitializeAsync()
    {
        _stores = StoreSet.Open(_folder.Path, 3, new CapacityBudget(), segmentBytes: 8 << 20);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _stores!.DisposeAsync();
        _pool.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task What_is_lacking_is_copied_and_what_is_there_is_not()
    {
        var first = await StoreAsync(TestDisk.Make(1, 150));
        var changed = TestDisk.Make(1, 150);
        changed[70 * BlockLayout.BlockSize] ^= 1;
        var second = await StoreAsync(changed);

        var source = new Watched(new LocalSource("a", From, _pool));
        await TransferAsync(source, first);
        Assert.Equal(first.Root.OccupiedSize, source.CopiedBytes);
        Assert.Equal(first.Root.OccupiedSize, _progress.CopiedBytes);
        Assert.Equal(0, await ContentTransfer.MissingBytesAsync(To, first.Root, default));

        await TransferAsync(source, second);
        Assert.Equal(first.Root.OccupiedSize + BlockLayout.BlockSize, source.CopiedBytes);
        await TransferAsync(source, second);
        Assert.Equal(first.Root.OccupiedSize + BlockLayout.BlockSize, source.CopiedBytes);
    }

    [Fact]
    public async Task A_block_that_stands_in_many_places_is_copied_once()
    {
        var block = TestBlocks.Bytes(5);
        var disk = Enumerable.Range(0, 300).SelectMany(_ => block).ToArray();
        var content = await StoreAsync(disk);
        var source = new Watched(new LocalSource("a", From, _pool));
        await TransferAsync(source, content);
        Assert.Equal(BlockLayout.BlockSize, source.CopiedBytes);
        Assert.Equal(disk.Length, _progress.CopiedBytes);
    }

    [Fact]
    public async Task A_transfer_that_is_cut_goes_on_where_it_was()
    {
        var content = await StoreAsync(TestDisk.Make(2, 600));
        var broken = new Watched(new LocalSource("a", From, _pool)) { FailAfterBytes = 10 << 20 };
        await Assert.ThrowsAsync<RegionException>(() => TransferAsync(broken, content));
        var whole = new Watched(new LocalSource("a", From, _pool));
        await TransferAsync(whole, content);
        Assert.Equal(content.Root.OccupiedSize, broken.CopiedBytes + whole.CopiedBytes);
        Assert.Equal(0, await ContentTransfer.MissingBytesAsync(To, content.Root, default));
    }

    [Fact]
    public async Task Nodes_that_were_not_asked_for_or_lack_their_digest_are_not_believed()
    {
        var content = await StoreAsync(TestDisk.Make(3, 5));
        foreach (
            var lie in new Func<BlockDigest, byte[], (BlockDigest, byte[])>[]
            {
                (digest, node) => (digest, [.. node, 0]),
                (_, _) => (TestBlocks.Digest(1), [1, 2, 3]),
                (digest, _) => (digest, new byte[100_000]),
            }
        )
        {
            var source = new Watched(new LocalSource("a", From, _pool)) { Lie = lie };
            await Assert.ThrowsAsync<MalformedManifestException>(() => TransferAsync(source, content));
        }

        Assert.Equal(0, To.Blocks.BlockCount);
    }

    [Fact]
    public async Task Nodes_that_the_source_leaves_out_are_missing()
    {
        var content = await StoreAsync(TestDisk.Make(4, 5));
        var source = new Watched(new LocalSource("a", From, _pool)) { LeaveOutNodes = true };
        await Assert.ThrowsAsync<BlockMissingException>(() => TransferAsync(source, content));
    }

    [Fact]
    public async Task A_content_is_incomplete_while_a_zone_lacks_a_block()
    {
        var content = await StoreAsync(TestDisk.Make(5, 20));
        var source = new LocalSource("a", From, _pool);
        await TransferAsync(source, content);
        await To.Blocks.FlushAsync(default);
        await _stores!.DisposeAsync();
        Directory.Delete(Path.Combine(_folder["zone2"], "zrs-000"), recursive: true);
        await InitializeAsync();

        Assert.Equal(content.Root.OccupiedSize, await ContentTransfer.MissingBytesAsync(To, content.Root, default));
        await TransferAsync(new LocalSource("a", From, _pool), content);
        Assert.Equal(0, await ContentTransfer.MissingBytesAsync(To, content.Root, default));
    }

    [Fact]
    public async Task A_collection_waits_for_those_inside_and_keeps_others_out()
    {
        using var gate = new StoreGate();
        var inside = await gate.EnterAsync(default);
        var collection = gate.EnterAloneAsync(default).AsTask();
        await Task.Delay(50);
        Assert.False(collection.IsCompleted);
        var late = gate.EnterAsync(default).AsTask();
        inside.Dispose();
        var alone = await collection;
        await Task.Delay(50);
        Assert.False(late.IsCompleted);
        alone.Dispose();
        (await late).Dispose();
        (await gate.EnterAloneAsync(default)).Dispose();
    }

    private async Task<Manifest> StoreAsync(byte[] disk)
    {
        await using var writer = new NodeWriter(From.Blocks, _pool);
        var builder = new ManifestBuilder(disk.Length, writer);
        foreach (var (index, bytes) in TestDisk.Blocks(disk))
        {
            var digest = BlockDigest.Of(bytes);
            await writer.PutAsync(digest, bytes, default);
            await builder.AddAsync(index, digest, default);
        }

        var manifest = await builder.CompleteAsync(default);
        await writer.WriteAsync(default);
        return manifest;
    }

    private async Task TransferAsync(IContentSource source, Manifest content)
    {
        _progress.Restart();
        var read = await new ContentTransfer(To, _progress).RunAsync(source, content.Digest, crossesBorder: false, default);
        Assert.Equal(content, read);
    }

    /// <summary>A source that counts, and does wrong when told to.</summary>
    private sealed class Watched(LocalSource source) : IContentSource
    {
        private long _copied;

        public string Region => source.Region;

        public int BlocksPerRequest => 16;

        public int Concurrency => 2;

        public IBatchLender Batches => source.Batches;

        public long CopiedBytes => Interlocked.Read(ref _copied);

        public long FailAfterBytes { get; init; } = long.MaxValue;

        public bool LeaveOutNodes { get; init; }

        public Func<BlockDigest, byte[], (BlockDigest Digest, byte[] Node)>? Lie { get; init; }

        public ValueTask ReadNodesAsync(
            BlockDigest content,
            IReadOnlyList<BlockDigest> nodes,
            Func<BlockDigest, ReadOnlyMemory<byte>, ValueTask> receive,
            CancellationToken cancellationToken
        ) =>
            LeaveOutNodes
                ? ValueTask.CompletedTask
                : source.ReadNodesAsync(
                    content,
                    nodes,
                    (digest, node) =>
                    {
                        var told = Lie?.Invoke(digest, node.ToArray()) ?? (digest, node.ToArray());
                        return receive(told.Digest, told.Node);
                    },
                    cancellationToken
                );

        public ValueTask CopyBlocksAsync(
            BlockDigest content,
            BlockRun run,
            IBlockStore target,
            Action<long> written,
            CancellationToken cancellationToken
        )
        {
            if (CopiedBytes >= FailAfterBytes)
            {
                throw new RegionException(ErrorReason.RegionUnavailable, "The line is cut.");
            }

            return source.CopyBlocksAsync(
                content,
                run,
                target,
                bytes =>
                {
                    Interlocked.Add(ref _copied, bytes);
                    written(bytes);
                },
                cancellationToken
            );
        }
    }
}
