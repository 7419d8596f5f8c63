using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Objects;
using Gallery.Region.Stores.Segments;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Stores.Objects;

/// <summary>What every store must do, and what one on object storage must do besides, on a real server.</summary>
public abstract class ObjectStoreSuite : BlockStoreSuite
{
    private const int PacksPerIndex = 24;

    private readonly string _prefix = $"{Guid.NewGuid():N}/store/";
    private IObjectBucket? _bucket;

    private protected abstract IObjectBucket Connect();

    private IObjectBucket Bucket => _bucket ??= Ensured(Connect());

    [Fact]
    public async Task A_pack_that_is_half_dead_is_rewritten_and_read_from_its_new_place()
    {
        var blocks = Many(120);
        var live = blocks.Where((_, i) => i % 4 == 0).ToArray();
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, blocks);
            var used = store.UsedBytes;
            Assert.True(await store.CollectAsync(marks => Mark(marks, live)) > used / 2);
            Assert.Equal(live.Length, store.BlockCount);
            await CheckAsync(store, live);
        }

        await using var again = Open();
        await CheckAsync(again, live);
        Assert.False(again.Holds(BlockDigest.Of(blocks[1])));
        Assert.Equal(again.UsedBytes, (await PacksAsync()).Sum(pack => pack.Size));
    }

    [Fact]
    public async Task A_reader_that_looked_up_before_a_collection_moved_the_blocks_finds_them()
    {
        var blocks = Many(56);
        await using var store = Open();
        await store.WriteAsync(Pool, blocks);
        var live = blocks[..8];
        var reads = Enumerable.Range(0, 40).Select(i => Task.Run(() => store.ReadAsync([.. live.Select(TestBlocks.Ref)]))).ToArray();
        await store.CollectAsync(marks => Mark(marks, live));
        foreach (var read in reads)
        {
            Assert.Equal(live.SelectMany(block => block), await read);
        }
    }

    [Fact]
    public async Task Opening_reads_index_objects_in_place_of_headers_and_both_tell_the_same()
    {
        var blocks = Enumerable.Range(0, PacksPerIndex + 10).Select(i => TestBlocks.Bytes(i, 600)).ToArray();
        await using (var store = Open())
        {
            foreach (var block in blocks)
            {
                await store.WriteAsync(Pool, block);
            }
        }

        var indexes = await KeysAsync("index/");
        Assert.Single(indexes);
        await using (var again = Open())
        {
            await CheckAsync(again, blocks);
        }

        await Bucket.DeleteAsync(indexes[0], default);
        await using (var third = Open())
        {
            Assert.Equal(blocks.Length, third.BlockCount);
            // What was listed nowhere is listed now; with all packs gone the list goes as well.
            Assert.Single(await KeysAsync("index/"));
            await third.CollectAsync(_ => Task.CompletedTask);
        }

        await using var empty = Open();
        Assert.Equal(0, empty.BlockCount);
        Assert.Empty(await KeysAsync("index/"));
    }

    [Fact]
    public async Task A_rotten_block_is_not_given_out_and_a_rotten_header_hides_its_pack_only()
    {
        var blocks = Many(4);
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, blocks[..2]);
            await store.WriteAsync(Pool, blocks[2..]);
            var packs = await PacksAsync();
            await SpoilAsync(packs[0].Key, GroupHeader.Size + 17);
            await SpoilAsync(packs[1].Key, 40);
            await Assert.ThrowsAsync<BlockCorruptException>(() => store.ReadAsync(TestBlocks.Ref(blocks[0])));
            await CheckAsync(store, [blocks[1]]);
        }

        await using var again = Open();
        Assert.True(again.Holds(BlockDigest.Of(blocks[1])));
        Assert.False(again.Holds(BlockDigest.Of(blocks[2])));
        await again.WriteAsync(Pool, blocks[2..]);
        await CheckAsync(again, blocks[2..]);
    }

    [Fact]
    public async Task A_scrub_finds_what_has_rotted_and_replacing_it_mends_it()
    {
        var blocks = Many(6);
        await using var store = Open();
        await store.WriteAsync(Pool, blocks[..3]);
        await store.WriteAsync(Pool, blocks[3..]);
        var packs = await PacksAsync();
        await SpoilAsync(packs[0].Key, GroupHeader.Size + BlockLayout.BlockSize + 5);
        await Bucket.DeleteAsync(packs[1].Key, default);
        var lost = TestBlocks.Ref(blocks[1]);
        Assert.Equal(blocks[3..].Append(blocks[1]).Select(TestBlocks.Ref).ToHashSet(), await ScrubAsync(store, default));
        using (var batch = await Pool.RentAsync(default))
        {
            foreach (var block in blocks[3..].Append(blocks[1]))
            {
                batch.Add(BlockDigest.Of(block), block);
            }

            await store.ReplaceAsync(batch, default);
        }

        await CheckAsync(store, blocks);
        Assert.Empty(await ScrubAsync(store, default));
        Assert.Equal(blocks.Select(TestBlocks.Ref).ToHashSet(), store.ListBlocks().ToHashSet());
        store.Forget(lost.Digest);
        Assert.False(store.Holds(lost.Digest));
    }

    [Fact]
    public async Task An_older_process_removes_nothing_any_more()
    {
        var blocks = Many(3);
        await using var older = Open();
        await older.WriteAsync(Pool, blocks);
        await using var newer = Open();
        await Assert.ThrowsAsync<ObjectStorageException>(() => older.CollectAsync(_ => Task.CompletedTask));
        await CheckAsync(newer, blocks);

        // Both write at the same time; neither takes the other's place.
        await Task.WhenAll(older.WriteAsync(Pool, TestBlocks.Bytes(50)), newer.WriteAsync(Pool, TestBlocks.Bytes(51)));
        await CheckAsync(older, [TestBlocks.Bytes(50)]);
        await CheckAsync(newer, [TestBlocks.Bytes(51)]);
    }

    [Fact]
    public async Task Records_are_kept_as_whole_and_damage_is_noticed()
    {
        var records = new BucketRecords(Bucket, _prefix);
        await records.PutAsync("replicas", "a.b-c", "one"u8.ToArray(), default);
        await records.PutAsync("replicas", "a.b-c", "two\nlines"u8.ToArray(), default);
        await records.PutAsync("replicas", "..", Array.Empty<byte>(), default);
        Assert.Equal("two\nlines"u8.ToArray(), await records.TryGetAsync("replicas", "a.b-c", default));
        Assert.Equal(Array.Empty<byte>(), await records.TryGetAsync("replicas", "..", default));
        Assert.Equal(["..", "a.b-c"], (await records.ListAsync("replicas", default)).Order(StringComparer.Ordinal));
        Assert.Empty(await records.ListAsync("uploads", default));
        await SpoilAsync((await KeysAsync("records/")).Single(key => key.EndsWith("a.b-c.record", StringComparison.Ordinal)), 5);
        await Assert.ThrowsAsync<BlockCorruptException>(async () => await records.TryGetAsync("replicas", "a.b-c", default));
        await records.DeleteAsync("replicas", "a.b-c", default);
        await records.DeleteAsync("replicas", "a.b-c", default);
        Assert.Null(await records.TryGetAsync("replicas", "a.b-c", default));
    }

    private protected override IBlockStore Open(CapacityBudget? capacity = null) =>
        Task.Run(() => ObjectStore.OpenAsync(Bucket, _prefix, capacity ?? new CapacityBudget(), PacksPerIndex)).GetAwaiter().GetResult();

    private static IObjectBucket Ensured(IObjectBucket bucket)
    {
        Task.Run(() => bucket.EnsureAsync(default)).GetAwaiter().GetResult();
        return bucket;
    }

    private async Task<List<ObjectEntry>> PacksAsync()
    {
        var packs = new List<ObjectEntry>();
        await foreach (var entry in Bucket.ListAsync(_prefix + "packs/", default))
        {
            packs.Add(entry);
        }

        return [.. packs.OrderBy(entry => entry.Key, StringComparer.Ordinal)];
    }

    private async Task<List<string>> KeysAsync(string folder)
    {
        var keys = new List<string>();
        await foreach (var entry in Bucket.ListAsync(_prefix + folder, default))
        {
            keys.Add(entry.Key);
        }

        return keys;
    }

    private static async Task<HashSet<BlockRef>> ScrubAsync(IBlockStore store, ScrubPosition from)
    {
        var bad = new HashSet<BlockRef>();
        await foreach (var step in store.ScrubAsync(from, (_, _) => ValueTask.CompletedTask, default))
        {
            bad.UnionWith(step.Bad);
        }

        return bad;
    }

    private async Task SpoilAsync(string key, int at)
    {
        var bytes = (await Bucket.TryGetAsync(key, default))!;
        bytes[at] ^= 0xff;
        await Bucket.PutAsync(key, bytes, default);
    }
}
