using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Stores;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Stores;

/// <summary>What every store of blocks must do. An implementation is tested by deriving from this and opening its store.</summary>
public abstract class BlockStoreSuite : IDisposable
{
    private protected TempFolder Folder { get; } = new();

    private protected BlockBatchPool Pool { get; } = new();

    /// <summary>Opens the store, with what it held when it was closed. Segments are small, so that several come about.</summary>
    private protected abstract IBlockStore Open(CapacityBudget? capacity = null);

    public void Dispose()
    {
        Pool.Dispose();
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_was_written_is_read_at_once_and_after_reopening()
    {
        var blocks = Many(200);
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, blocks);
            await CheckAsync(store, blocks);
            await store.FlushAsync(default);
        }

        await using var again = Open();
        await CheckAsync(again, blocks);
        Assert.Equal(200, again.BlockCount);
    }

    [Fact]
    public async Task Blocks_of_all_lengths_are_kept()
    {
        byte[][] blocks =
        [
            TestBlocks.Bytes(1, 1),
            TestBlocks.Bytes(2, 512),
            TestBlocks.Bytes(3, 4095),
            TestBlocks.Bytes(4, 4097),
            TestBlocks.Bytes(5),
        ];
        await using var store = Open();
        await store.WriteAsync(Pool, blocks);
        await CheckAsync(store, blocks);
    }

    [Fact]
    public async Task Many_blocks_are_read_in_one_call_in_the_order_asked_for()
    {
        var blocks = Many(30);
        await using var store = Open();
        await store.WriteAsync(Pool, blocks);
        var order = Enumerable.Range(0, 30).Concat([3, 3, 29, 0]).OrderBy(i => (i * 7) % 11).ToArray();
        var bytes = await store.ReadAsync([.. order.Select(i => TestBlocks.Ref(blocks[i]))]);
        Assert.Equal(order.SelectMany(i => blocks[i]), bytes);
    }

    [Fact]
    public async Task A_block_that_is_there_takes_no_room_twice()
    {
        var blocks = Many(10);
        await using var store = Open();
        await store.WriteAsync(Pool, blocks);
        var used = store.UsedBytes;
        await store.WriteAsync(Pool, blocks);
        Assert.Equal(used, store.UsedBytes);
        Assert.Equal(10, store.BlockCount);
    }

    [Fact]
    public async Task What_is_not_there_is_missing()
    {
        await using var store = Open();
        await store.WriteAsync(Pool, Many(3));
        var unknown = TestBlocks.Ref(TestBlocks.Bytes(99));
        Assert.False(store.Holds(unknown.Digest));
        Assert.False(store.TryGetLength(unknown.Digest, out _));
        await Assert.ThrowsAsync<BlockMissingException>(() => store.ReadAsync(unknown));
    }

    [Fact]
    public async Task A_block_asked_for_with_another_length_is_missing()
    {
        var block = TestBlocks.Bytes(1);
        await using var store = Open();
        await store.WriteAsync(Pool, block);
        await Assert.ThrowsAsync<BlockMissingException>(() => store.ReadAsync(TestBlocks.Ref(block) with { Length = 100 }));
    }

    [Fact]
    public async Task Writers_and_readers_work_side_by_side()
    {
        await using var store = Open();
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(worker =>
                    Task.Run(async () =>
                    {
                        for (var i = 0; i < 10; i++)
                        {
                            // Half of the blocks are the same for all.
                            var own = TestBlocks.Bytes((worker * 1000) + i, 2000);
                            var shared = TestBlocks.Bytes(900_000 + i, 2000);
                            await store.WriteAsync(Pool, own, shared);
                            await CheckAsync(store, [own, shared]);
                            if (i == 5)
                            {
                                await store.FlushAsync(default);
                            }
                        }
                    })
                )
        );
        Assert.Equal(90, store.BlockCount);
    }

    [Fact]
    public async Task A_full_store_refuses_and_shows_nothing_of_what_it_refused()
    {
        var blocks = Many(64);
        await using var store = Open(new CapacityBudget(1 << 20));
        await store.WriteAsync(Pool, blocks[..3]);
        await Assert.ThrowsAsync<StorageExhaustedException>(() => store.WriteAsync(Pool, blocks));
        await CheckAsync(store, blocks[..3]);
        Assert.False(store.Holds(TestBlocks.Ref(blocks[10]).Digest));
        await store.FlushAsync(default);
    }

    [Fact]
    public async Task A_collection_frees_what_is_dead_and_keeps_what_is_marked()
    {
        var (dead, live) = (Many(120), Many(120, 1000));
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, dead);
            await store.WriteAsync(Pool, live);
            await store.FlushAsync(default);
            var used = store.UsedBytes;
            var freed = await store.CollectAsync(marks => Mark(marks, live));
            Assert.True(freed > 0);
            Assert.Equal(used - freed, store.UsedBytes);
            await CheckAsync(store, live);
            Assert.False(store.Holds(TestBlocks.Ref(dead[0]).Digest));

            // What was freed can be written again.
            await store.WriteAsync(Pool, dead[..5]);
            await CheckAsync(store, dead[..5]);
            await store.FlushAsync(default);
        }

        await using var again = Open();
        await CheckAsync(again, [.. live, .. dead[..5]]);
    }

    [Fact]
    public async Task A_collection_without_marks_empties_the_store()
    {
        await using var store = Open();
        await store.WriteAsync(Pool, Many(5));
        await store.FlushAsync(default);
        Assert.True(await store.CollectAsync(_ => Task.CompletedTask) > 0);
        Assert.Equal(0, store.BlockCount);
        Assert.Equal(0, store.UsedBytes);
        await store.FlushAsync(default);
    }

    [Fact]
    public async Task Blocks_written_while_a_collection_marks_are_kept()
    {
        await using var store = Open();
        await store.WriteAsync(Pool, Many(100));
        var late = Many(40, 5000);
        await store.CollectAsync(async _ => await store.WriteAsync(Pool, late));
        await CheckAsync(store, late);
    }

    [Fact]
    public async Task A_collection_whose_marking_fails_frees_nothing()
    {
        var blocks = Many(100);
        await using var store = Open();
        await store.WriteAsync(Pool, blocks);
        await Assert.ThrowsAsync<BlockMissingException>(() => store.CollectAsync(_ => throw new BlockMissingException("gone")));
        await CheckAsync(store, blocks);
    }

    [Fact]
    public async Task A_block_is_marked_once()
    {
        var block = TestBlocks.Bytes(1);
        await using var store = Open();
        await store.WriteAsync(Pool, block);
        await store.CollectAsync(marks =>
        {
            Assert.True(marks.Mark(BlockDigest.Of(block)));
            Assert.False(marks.Mark(BlockDigest.Of(block)));
            return Task.CompletedTask;
        });
    }

    private protected static byte[][] Many(int count, int seed = 0) => [.. Enumerable.Range(seed, count).Select(i => TestBlocks.Bytes(i))];

    private protected static async Task CheckAsync(IBlockStore store, byte[][] blocks)
    {
        foreach (var block in blocks)
        {
            var wanted = TestBlocks.Ref(block);
            Assert.True(store.Holds(wanted.Digest));
            Assert.True(store.TryGetLength(wanted.Digest, out var length));
            Assert.Equal(block.Length, length);
            var read = await store.ReadAsync(wanted);
            Assert.True(block.AsSpan().SequenceEqual(read));
        }
    }

    private protected static Task Mark(ILiveBlocks marks, byte[][] blocks)
    {
        foreach (var block in blocks)
        {
            marks.Mark(BlockDigest.Of(block));
        }

        return Task.CompletedTask;
    }
}
