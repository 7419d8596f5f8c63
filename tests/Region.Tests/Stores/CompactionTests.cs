using Gallery.Region.Blocks;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Segments;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Stores;

/// <summary>Half-empty segments are rewritten: nothing alive is lost, whoever works beside it and wherever it is cut off.</summary>
public sealed class CompactionTests : IDisposable
{
    private const int Count = 240;
    private const int KeptOfEach = 4;

    private static readonly Pace NoPace = (_, _) => ValueTask.CompletedTask;

    private readonly TempFolder _folder = new();
    private readonly BlockBatchPool _pool = new();
    private readonly byte[][] _blocks = [.. Enumerable.Range(0, Count).Select(i => TestBlocks.Bytes(i))];

    private readonly BlockRef[] _liveRefs;
    private readonly byte[] _liveBytes;

    private byte[][] Live => [.. _blocks.Where((_, i) => i % KeptOfEach == 0)];

    private byte[][] Dead => [.. _blocks.Where((_, i) => i % KeptOfEach != 0)];

    public CompactionTests()
    {
        _liveRefs = [.. Live.Select(TestBlocks.Ref)];
        _liveBytes = [.. Live.SelectMany(block => block)];
    }

    public void Dispose()
    {
        _pool.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_room_of_dead_blocks_is_given_back()
    {
        var capacity = new CapacityBudget();
        var live = (long)Live.Length * BlockLayout.BlockSize;
        await using (var store = await OpenThinAsync(capacity))
        {
            Assert.InRange(store.UsedBytes, KeptOfEach * live, long.MaxValue);
            var freed = await store.CompactAsync(_pool, NoPace, default);
            Assert.InRange(freed, 2 * live, long.MaxValue);
            Assert.InRange(store.UsedBytes, live, live * 11 / 10);
            Assert.Equal(store.UsedBytes, capacity.UsedBytes);
            Assert.Equal(store.UsedBytes, Directory.EnumerateFiles(_folder["segments"]).Sum(file => new FileInfo(file).Length));
            Assert.Equal(Live.Length, store.BlockCount);
            await CheckAsync(store);

            // Nothing is left to do, also after another look.
            await store.CollectAsync(MarkLive);
            Assert.Equal(0, await store.CompactAsync(_pool, NoPace, default));
            await CheckAsync(store);
        }

        await using var again = Open(_folder["segments"]);
        Assert.Equal(Live.Length, again.BlockCount);
        await CheckAsync(again);
    }

    [Fact]
    public async Task Cut_off_anywhere_it_leaves_everything_alive()
    {
        var copies = new List<string>();
        await using (var store = await OpenThinAsync())
        {
            await store.CompactAsync(
                _pool,
                (_, _) =>
                {
                    copies.Add(CopyFolder(copies.Count));
                    return ValueTask.CompletedTask;
                },
                default
            );
            copies.Add(CopyFolder(copies.Count));
        }

        Assert.InRange(copies.Count, 4, 100);
        foreach (var copy in copies)
        {
            await using (var store = Open(copy))
            {
                await CheckAsync(store);
                await store.CollectAsync(MarkLive);
                await store.CompactAsync(_pool, NoPace, default);
                await CheckAsync(store);
            }

            // What a cut left behind costs no room in the end.
            await using var again = Open(copy);
            await again.CollectAsync(MarkLive);
            await again.CompactAsync(_pool, NoPace, default);
            Assert.Equal(Live.Length, again.BlockCount);
            Assert.InRange(again.UsedBytes, 0, Live.Length * BlockLayout.BlockSize * 2L);
            await CheckAsync(again);
        }
    }

    [Fact]
    public async Task Readers_writers_and_collections_go_on_meanwhile()
    {
        await using var store = await OpenThinAsync();
        using var ending = new CancellationTokenSource();
        var readers = Enumerable
            .Range(0, 3)
            .Select(_ =>
                Task.Run(async () =>
                {
                    var reads = 0;
                    for (; !ending.IsCancellationRequested || reads == 0; reads++)
                    {
                        await CheckAsync(store);
                    }

                    return reads;
                })
            )
            .ToArray();
        var added = Enumerable.Range(10_000, 40).Select(i => TestBlocks.Bytes(i)).ToArray();
        var step = 0;
        await store.CompactAsync(
            _pool,
            async (_, _) =>
            {
                // Blocks that were dead come back, new ones are added, and a collection runs, between any two steps.
                await store.WriteAsync(_pool, added[step % added.Length], Dead[step % Dead.Length]);
                var back = Dead[..(step + 1)];
                await store.CollectAsync(async marks =>
                {
                    await MarkLive(marks);
                    foreach (var block in added.Concat(back))
                    {
                        marks.Mark(BlockDigest.Of(block));
                    }
                });
                step++;
            },
            default
        );
        await ending.CancelAsync();
        Assert.All(await Task.WhenAll(readers), reads => Assert.True(reads > 0));
        await CheckAsync(store);
        foreach (var block in added[..Math.Min(step, added.Length)].Concat(Dead[..step]))
        {
            Assert.Equal(block, await store.ReadAsync(TestBlocks.Ref(block)));
        }
    }

    [Fact]
    public async Task A_damaged_block_keeps_its_segment_and_is_moved_by_nobody()
    {
        await using var store = await OpenThinAsync();
        var rotten = Live[5];
        SegmentFiles.Spoil(_folder["segments"], rotten);
        await store.CompactAsync(_pool, NoPace, default);
        await Assert.ThrowsAsync<Gallery.Region.Errors.BlockCorruptException>(() => store.ReadAsync(TestBlocks.Ref(rotten)));
        foreach (var block in Live.Where(block => block != rotten))
        {
            Assert.Equal(block, await store.ReadAsync(TestBlocks.Ref(block)));
        }
    }

    [Fact]
    public async Task A_full_node_can_be_compacted()
    {
        var capacity = new CapacityBudget(17 << 20);
        await using var store = await OpenThinAsync(capacity);
        Assert.InRange(capacity.LeftBytes, 0, 2 << 20);
        await store.CompactAsync(_pool, NoPace, default);
        Assert.InRange(capacity.LeftBytes, 12 << 20, 17 << 20);
        await CheckAsync(store);
    }

    private static SegmentStore Open(string folder, CapacityBudget? capacity = null) =>
        SegmentStore.Open(folder, capacity ?? new CapacityBudget(), 4 << 20);

    /// <summary>A store in which one block of four is alive, and a collection has found that out.</summary>
    private async Task<SegmentStore> OpenThinAsync(CapacityBudget? capacity = null)
    {
        var store = Open(_folder["segments"], capacity);
        await store.WriteAsync(_pool, _blocks);
        await store.FlushAsync(default);
        Assert.Equal(0, await store.CollectAsync(MarkLive));
        return store;
    }

    private Task MarkLive(ILiveBlocks marks)
    {
        foreach (var block in Live)
        {
            marks.Mark(BlockDigest.Of(block));
        }

        return Task.CompletedTask;
    }

    private async Task CheckAsync(SegmentStore store)
    {
        var bytes = await store.ReadAsync(_liveRefs);
        Assert.True(bytes.AsSpan().SequenceEqual(_liveBytes));
    }

    private string CopyFolder(int number)
    {
        var copy = _folder[$"copy{number}"];
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.EnumerateFiles(_folder["segments"]))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }
}
