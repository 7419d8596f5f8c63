using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Segments;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Stores;

/// <summary>Rot in segment files is found by reading them again, and mended by writing anew.</summary>
public sealed class SegmentScrubTests : IDisposable
{
    private static readonly Pace NoPace = (_, _) => ValueTask.CompletedTask;

    private readonly TempFolder _folder = new();
    private readonly BlockBatchPool _pool = new();
    private readonly byte[][] _blocks = [.. Enumerable.Range(700, 150).Select(i => TestBlocks.Bytes(i))];

    private string Segments => _folder["segments"];

    public void Dispose()
    {
        _pool.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task It_reads_everything_once_and_finds_just_what_is_damaged()
    {
        await using var store = await OpenFullAsync();
        var (bytes, bad) = await ScrubAsync(store, default);
        Assert.Equal(_blocks.Length * (long)BlockLayout.BlockSize, bytes);
        Assert.Empty(bad);
        SegmentFiles.Spoil(Segments, _blocks[3]);
        SegmentFiles.Spoil(Segments, _blocks[140]);
        bad = (await ScrubAsync(store, default)).Bad;
        Assert.Equal([TestBlocks.Ref(_blocks[3]), TestBlocks.Ref(_blocks[140])], bad);
    }

    [Fact]
    public async Task It_goes_on_where_it_was()
    {
        await using var store = await OpenFullAsync();
        var (first, seen) = (default(ScrubPosition), 0L);
        await foreach (var step in store.ScrubAsync(default, NoPace, default))
        {
            (first, seen) = (step.Next, seen + step.Bytes);
            if (seen > 3 << 20)
            {
                break;
            }
        }

        var rest = (await ScrubAsync(store, first)).Bytes;
        Assert.Equal(_blocks.Length * (long)BlockLayout.BlockSize, seen + rest);
    }

    [Fact]
    public async Task A_block_written_anew_is_the_one_that_counts_also_after_a_restart()
    {
        await using (var store = await OpenFullAsync())
        {
            SegmentFiles.Spoil(Segments, _blocks[3]);
            await Assert.ThrowsAsync<BlockCorruptException>(() => store.ReadAsync(TestBlocks.Ref(_blocks[3])));
            using (var batch = await _pool.RentAsync(default))
            {
                batch.Add(BlockDigest.Of(_blocks[3]), _blocks[3]);
                await store.ReplaceAsync(batch, default);
            }

            await store.FlushAsync(default);
            Assert.Equal(_blocks[3], await store.ReadAsync(TestBlocks.Ref(_blocks[3])));
            Assert.Empty((await ScrubAsync(store, default)).Bad);
            Assert.Equal(_blocks.Length, store.BlockCount);
        }

        await using var again = Open();
        Assert.Equal(_blocks[3], await again.ReadAsync(TestBlocks.Ref(_blocks[3])));
        Assert.Empty((await ScrubAsync(again, default)).Bad);
    }

    [Fact]
    public async Task A_forgotten_block_is_missing_and_can_be_brought_in_again()
    {
        await using var store = await OpenFullAsync();
        store.Forget(BlockDigest.Of(_blocks[3]));
        Assert.False(store.Holds(BlockDigest.Of(_blocks[3])));
        await Assert.ThrowsAsync<BlockMissingException>(() => store.ReadAsync(TestBlocks.Ref(_blocks[3])));
        await store.WriteAsync(_pool, _blocks[3]);
        Assert.Equal(_blocks[3], await store.ReadAsync(TestBlocks.Ref(_blocks[3])));
    }

    [Fact]
    public async Task A_damaged_header_has_its_segment_rewritten_before_a_restart_would_lose_its_blocks()
    {
        await using (var store = await OpenFullAsync())
        {
            var first = Directory.EnumerateFiles(Segments).Order().First();
            using (var file = new FileStream(first, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            {
                file.Position = 100;
                file.Write([1, 2, 3]);
            }

            Assert.Empty((await ScrubAsync(store, default)).Bad);
            await store.CompactAsync(_pool, NoPace, default);
            Assert.False(File.Exists(first));
        }

        await using var again = Open();
        Assert.Equal(_blocks.Length, again.BlockCount);
        Assert.Equal(_blocks[3], await again.ReadAsync(TestBlocks.Ref(_blocks[3])));
    }

    private SegmentStore Open() => SegmentStore.Open(Segments, new CapacityBudget(), 4 << 20);

    private async Task<SegmentStore> OpenFullAsync()
    {
        var store = Open();
        await store.WriteAsync(_pool, _blocks);
        await store.FlushAsync(default);
        return store;
    }

    private static async Task<(long Bytes, List<BlockRef> Bad)> ScrubAsync(SegmentStore store, ScrubPosition from)
    {
        var (bytes, bad) = (0L, new List<BlockRef>());
        await foreach (var step in store.ScrubAsync(from, NoPace, default))
        {
            bytes += step.Bytes;
            bad.AddRange(step.Bad);
        }

        return (bytes, bad);
    }
}
