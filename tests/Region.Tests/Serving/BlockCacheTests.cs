using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Node;
using Gallery.Region.Serving;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Records;
using Gallery.Region.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Tests.Serving;

public sealed class BlockCacheTests : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection()
        .AddMetrics()
        .AddLogging()
        .AddSingleton<RegionTelemetry>()
        .BuildServiceProvider();
    private readonly SlowStore _blocks = new();
    private readonly TempFolder _folder = new();
    private readonly RegionStore _store;

    public BlockCacheTests() =>
        _store = new RegionStore(new StoreName(StorageAccountType.StandardLrs, 0), _blocks, new RecordFolder(_folder.Path), []);

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        await _services.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Readers_of_a_lacking_block_wait_for_one_read()
    {
        using var cache = Cache(8);
        var block = _blocks.Add(1);
        _blocks.Gate = new TaskCompletionSource();
        var readers = Enumerable.Range(0, 100).Select(_ => ReadAsync(cache, block)).ToList();
        Assert.DoesNotContain(readers, reader => reader.IsCompleted);
        _blocks.Gate.SetResult();
        Assert.All(await Task.WhenAll(readers), bytes => Assert.Equal(TestBlocks.Bytes(1), bytes));
        Assert.Equal(TestBlocks.Bytes(1), await ReadAsync(cache, block));
        Assert.Equal(1, _blocks.Reads);
    }

    [Fact]
    public async Task A_reader_that_goes_away_ends_nobody_elses_read()
    {
        using var cache = Cache(8);
        var block = _blocks.Add(1);
        _blocks.Gate = new TaskCompletionSource();
        using var gone = new CancellationTokenSource();
        var first = ReadAsync(cache, block, gone.Token);
        var second = ReadAsync(cache, block);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        _blocks.Gate.SetResult();
        Assert.Equal(TestBlocks.Bytes(1), await second);
        Assert.Equal(1, _blocks.Reads);
    }

    [Fact]
    public async Task A_read_that_fails_is_told_to_all_who_waited_and_tried_again_by_the_next()
    {
        using var cache = Cache(8);
        var block = _blocks.Add(1);
        _blocks.Gate = new TaskCompletionSource();
        var readers = Enumerable.Range(0, 10).Select(_ => ReadAsync(cache, block)).ToList();
        _blocks.Gate.SetException(new BlockCorruptException("rotten"));
        foreach (var reader in readers)
        {
            await Assert.ThrowsAsync<BlockCorruptException>(() => reader);
        }

        _blocks.Gate = null;
        Assert.Equal(TestBlocks.Bytes(1), await ReadAsync(cache, block));
    }

    [Fact]
    public async Task A_store_that_fails_does_not_fail_the_readers_of_another_that_has_the_same_block()
    {
        using var cache = Cache(8);
        var block = _blocks.Add(1);
        var good = new SlowStore();
        good.Add(1);
        await using var other = new RegionStore(new StoreName(StorageAccountType.StandardLrs, 1), good, new RecordFolder(_folder.Path), []);
        _blocks.Gate = new TaskCompletionSource();
        var failing = ReadAsync(cache, block);
        var waiting = Enumerable.Range(0, 5).Select(_ => cache.GetAsync(other, new[] { block }, default).AsTask()).ToList();
        _blocks.Gate.SetException(new BlockCorruptException("rotten"));
        await Assert.ThrowsAsync<BlockCorruptException>(() => failing);
        foreach (var reader in waiting)
        {
            using var cached = await reader;
            Assert.Equal(TestBlocks.Bytes(1), cached.Bytes.ToArray());
        }

        Assert.Equal(1, good.Reads);
        Assert.Equal(TestBlocks.Bytes(1), await ReadAsync(cache, block)); // Shared by now.
        Assert.Equal(1, _blocks.Reads);
    }

    [Fact]
    public async Task Bytes_that_are_not_the_blocks_are_read_again_by_the_store_that_mends_them()
    {
        using var cache = Cache(1);
        var (block, other) = (_blocks.Add(1), _blocks.Add(2));
        await ReadAsync(cache, block);
        await ReadAsync(cache, other);
        _blocks.Rotten = true;
        Assert.Equal(TestBlocks.Bytes(1), await ReadAsync(cache, block));
        Assert.Equal(1, _blocks.CheckedReads);
    }

    [Fact]
    public async Task What_was_used_least_lately_makes_room()
    {
        using var cache = Cache(4);
        var blocks = Enumerable.Range(0, 5).Select(seed => _blocks.Add(seed)).ToArray();
        foreach (var block in blocks[..4])
        {
            await ReadAsync(cache, block);
        }

        await ReadAsync(cache, blocks[0]);
        await ReadAsync(cache, blocks[4]);
        Assert.Equal(5, _blocks.Reads);
        await ReadAsync(cache, blocks[0]);
        Assert.Equal(5, _blocks.Reads);
        await ReadAsync(cache, blocks[1]);
        Assert.Equal(6, _blocks.Reads);
    }

    [Fact]
    public async Task What_comes_next_is_read_along_and_only_what_lacks()
    {
        using var cache = Cache(8);
        var blocks = Enumerable.Range(0, 4).Select(seed => _blocks.Add(seed)).ToArray();
        await ReadAsync(cache, blocks[2]);
        (await cache.GetAsync(_store, blocks, default)).Dispose();
        Assert.Equal(3, _blocks.Reads); // 2, then 0 and 1; it ends where something is there.
        Assert.Equal(TestBlocks.Bytes(1), await ReadAsync(cache, blocks[1]));
        Assert.Equal(3, _blocks.Reads);
    }

    [Fact]
    public async Task A_pinned_block_keeps_its_bytes_whatever_is_read_meanwhile()
    {
        using var cache = Cache(2);
        var blocks = Enumerable.Range(0, 6).Select(seed => _blocks.Add(seed)).ToArray();
        var held = new List<CachedBlock>();
        foreach (var block in blocks)
        {
            held.Add(await cache.GetAsync(_store, new[] { block }, default)); // More than fit: the rest lies beyond.
        }

        Assert.All(held.Index(), entry => Assert.Equal(TestBlocks.Bytes(entry.Index), entry.Item.Bytes.ToArray()));
        held.ForEach(block => block.Dispose());
        cache.Trim();
        Assert.Equal(TestBlocks.Bytes(3), await ReadAsync(cache, blocks[3]));
    }

    [Fact]
    public async Task Many_readers_of_many_blocks_get_the_right_bytes_in_little_memory()
    {
        using var cache = Cache(10);
        var blocks = Enumerable.Range(0, 40).Select(seed => _blocks.Add(seed)).ToArray();
        await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(reader =>
                    Task.Run(async () =>
                    {
                        var random = new Random(reader);
                        for (var i = 0; i < 200; i++)
                        {
                            var seed = random.Next(blocks.Length);
                            using var block = await cache.GetAsync(
                                _store,
                                blocks.AsMemory(seed, Math.Min(3, blocks.Length - seed)),
                                default
                            );
                            Assert.True(block.Bytes.Span.SequenceEqual(_blocks.BytesOf(blocks[seed])));
                        }
                    })
                )
        );
        Assert.Equal(10, cache.Capacity);
    }

    [Fact]
    public async Task Without_memory_it_only_reads()
    {
        using var cache = Cache(0);
        var block = _blocks.Add(1);
        Assert.Equal(TestBlocks.Bytes(1), await ReadAsync(cache, block));
        Assert.Equal(TestBlocks.Bytes(1), await ReadAsync(cache, block));
        Assert.Equal(2, _blocks.Reads);
    }

    private BlockCache Cache(int blocks) =>
        new(
            Options.Create(new RegionOptions { CacheBytes = blocks * BlockLayout.BlockSize }),
            _services.GetRequiredService<RegionTelemetry>()
        );

    private async Task<byte[]> ReadAsync(BlockCache cache, BlockRef block, CancellationToken cancellationToken = default)
    {
        using var cached = await cache.GetAsync(_store, new[] { block }, cancellationToken);
        return cached.Bytes.ToArray();
    }

    /// <summary>Blocks in memory that are read when the test lets them, and spoilt when it says so.</summary>
    private sealed class SlowStore : IBlockStore
    {
        private readonly Dictionary<BlockDigest, byte[]> _blocks = [];
        private int _reads;

        public TaskCompletionSource? Gate { get; set; }

        public bool Rotten { get; set; }

        public int Reads => Volatile.Read(ref _reads);

        public int CheckedReads { get; private set; }

        public long BlockCount => _blocks.Count;

        public long UsedBytes => 0;

        public BlockRef Add(int seed)
        {
            var bytes = TestBlocks.Bytes(seed);
            _blocks[BlockDigest.Of(bytes)] = bytes;
            return TestBlocks.Ref(bytes);
        }

        public byte[] BytesOf(BlockRef block) => _blocks[block.Digest];

        public bool TryGetLength(in BlockDigest digest, out int length)
        {
            length = _blocks.TryGetValue(digest, out var bytes) ? bytes.Length : 0;
            return bytes is not null;
        }

        public async ValueTask ReadUncheckedAsync(
            ReadOnlyMemory<BlockRef> blocks,
            Memory<byte> destination,
            CancellationToken cancellationToken
        )
        {
            Interlocked.Increment(ref _reads);
            if (Gate is { } gate)
            {
                await gate.Task;
            }

            _blocks[blocks.Span[0].Digest].CopyTo(destination);
            destination.Span[7] ^= (byte)(Rotten ? 1 : 0);
        }

        public ValueTask ReadAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken)
        {
            CheckedReads++;
            _blocks[blocks.Span[0].Digest].CopyTo(destination);
            return ValueTask.CompletedTask;
        }

        public bool Holds(in BlockDigest digest) => _blocks.ContainsKey(digest);

        public ValueTask WriteAsync(BlockBatch batch, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask FlushAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IBlockCollection> BeginCollectionAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
