using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Segments;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Stores;

/// <summary>The store on local disks, and what can happen to its files.</summary>
public sealed class SegmentStoreTests : BlockStoreSuite
{
    private const long SegmentBytes = 4 << 20;

    private string SegmentFolder => Folder["segments"];

    [Fact]
    public async Task Blocks_fill_few_large_files()
    {
        await using var store = Open();
        await store.WriteAsync(Pool, Many(200));
        Assert.InRange(Files().Length, 3, 5);
    }

    [Fact]
    public async Task A_flush_ends_only_when_what_other_flushes_took_up_is_durable_as_well()
    {
        var table = new SegmentTable();
        await using var log = OpenLog(table);
        foreach (var block in Many(300))
        {
            var (segment, offset) = await AppendAsync(log, block);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(FlushAsync)));

            async Task FlushAsync()
            {
                await log.FlushAsync(default);
                Assert.InRange(table.Find(segment)!.DurableLength, offset + block.Length, SegmentBytes);
            }
        }
    }

    [Fact]
    public async Task What_a_failed_flush_may_have_lost_is_forgotten_and_its_segment_is_not_used_any_more()
    {
        var (kept, lost) = (TestBlocks.Bytes(1), TestBlocks.Bytes(2));
        var table = new SegmentTable();
        var isFailing = false;
        await using (var log = OpenLog(table, segment => Flush(segment, isFailing)))
        {
            var first = await AppendAsync(log, kept);
            await log.FlushAsync(default);
            await AppendAsync(log, lost);

            isFailing = true;
            var failure = await Assert.ThrowsAsync<RegionException>(async () => await log.FlushAsync(default));
            Assert.Equal(ErrorReason.RegionUnavailable, failure.Reason);

            // The system forgets the failure, too: the next flush succeeds, and must not vouch for what went before it.
            isFailing = false;
            await log.FlushAsync(default);
            Assert.True(table.TryFind(BlockDigest.Of(kept), out _));
            Assert.False(table.TryFind(BlockDigest.Of(lost), out _));

            Assert.NotEqual(first.Segment, (await AppendAsync(log, lost)).Segment);
            await log.FlushAsync(default);
            Assert.True(table.TryFind(BlockDigest.Of(lost), out _));
        }

        await using var again = Open();
        await CheckAsync(again, [kept, lost]);

        static void Flush(Segment segment, bool isFailing)
        {
            if (isFailing)
            {
                throw new IOException("Input/output error");
            }

            segment.Flush();
        }
    }

    [Fact]
    public async Task A_torn_group_at_the_end_is_cut_off_and_everything_before_it_stays()
    {
        var blocks = Many(40);
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, blocks[..20]);
            await store.FlushAsync(default);
            await store.WriteAsync(Pool, blocks[20..]);
        }

        // The header of the last group got to the disk, its last block did not.
        using (var file = new FileStream(Files()[^1], FileMode.Open))
        {
            file.SetLength(file.Length - 70_000);
        }

        await using (var again = Open())
        {
            await CheckAsync(again, blocks[..20]);
            Assert.False(again.Holds(TestBlocks.Ref(blocks[39]).Digest));
            await again.WriteAsync(Pool, blocks[20..]);
            await again.FlushAsync(default);
        }

        await using var third = Open();
        await CheckAsync(third, blocks);
    }

    [Fact]
    public async Task A_group_of_zeros_where_data_should_be_is_not_believed()
    {
        var blocks = Many(4);
        long durable;
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, blocks[..2]);
            await store.FlushAsync(default);
            durable = new FileInfo(Files()[0]).Length;
            await store.WriteAsync(Pool, blocks[2..]);
        }

        // As after a power cut: the file has its length, and the data pages were never written.
        Overwrite(durable + GroupHeader.Size, new byte[BlockLayout.BlockSize]);
        await using var again = Open();
        await CheckAsync(again, blocks[..2]);
        Assert.False(again.Holds(TestBlocks.Ref(blocks[2]).Digest));
    }

    [Fact]
    public async Task A_damaged_header_hides_its_own_group_only()
    {
        var blocks = Many(30);
        await using (var store = Open())
        {
            foreach (var some in blocks.Chunk(10))
            {
                await store.WriteAsync(Pool, some);
            }

            await store.FlushAsync(default);
        }

        Overwrite(GroupHeader.GroupSize(10 * BlockLayout.BlockSize) + 100, [1, 2, 3]);
        await using var again = Open();
        await CheckAsync(again, [.. blocks[..10], .. blocks[20..]]);
        Assert.False(again.Holds(TestBlocks.Ref(blocks[15]).Digest));
    }

    [Fact]
    public async Task A_header_inside_a_block_is_taken_for_data()
    {
        // Somebody's disk may well hold a copy of one of our files.
        var page = new byte[GroupHeader.Size];
        GroupHeader.Write(page, 1, 2 * GroupHeader.Size, 0, [TestBlocks.Ref(TestBlocks.Bytes(77))], BlockLayout.BlockSize);
        byte[] block = [.. new byte[GroupHeader.Size], .. page, .. TestBlocks.Bytes(9, BlockLayout.BlockSize - (2 * GroupHeader.Size))];
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, block);
            await store.FlushAsync(default);
        }

        Overwrite(8, [9]);
        await using var again = Open();
        Assert.Equal(0, again.BlockCount);
    }

    [Fact]
    public async Task A_rotten_block_is_noticed_when_it_is_read()
    {
        var blocks = Many(3);
        await using var store = Open();
        await store.WriteAsync(Pool, blocks);
        await store.FlushAsync(default);
        Overwrite(GroupHeader.Size + BlockLayout.BlockSize + 1234, [(byte)~blocks[1][1234]]);
        await Assert.ThrowsAsync<BlockCorruptException>(() => store.ReadAsync(TestBlocks.Ref(blocks[1])));
        await CheckAsync(store, [blocks[0], blocks[2]]);
    }

    [Fact]
    public async Task A_shortened_file_is_noticed_when_it_is_read()
    {
        var blocks = Many(3);
        await using var store = Open();
        await store.WriteAsync(Pool, blocks);
        await store.FlushAsync(default);
        using (var file = new FileStream(Files()[0], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            file.SetLength(GroupHeader.Size + BlockLayout.BlockSize);
        }

        await Assert.ThrowsAsync<BlockCorruptException>(() => store.ReadAsync(TestBlocks.Ref(blocks[2])));
    }

    [Fact]
    public async Task Unflushed_blocks_are_flushed_by_the_process_that_relies_on_them()
    {
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, Many(150));
        }

        // Opening does not know whether they got to the disk: the next flush makes sure, and marks it.
        await using (var again = Open())
        {
            await again.FlushAsync(default);
        }

        var before = Files().Select(file => new FileInfo(file).Length).ToArray();
        await using (var third = Open())
        {
            await third.FlushAsync(default);
        }

        Assert.Equal(before, Files().Select(file => new FileInfo(file).Length));
    }

    [Fact]
    public void The_index_forgets_segments_and_uses_their_room_again()
    {
        var index = new BlockIndex();
        for (var i = 0; i < 10_000; i++)
        {
            Assert.True(index.TryAdd(TestBlocks.Digest(i), new BlockLocation((uint)(i % 10), (uint)i, 1)));
        }

        index.RemoveWhere((_, location) => location.Segment is 3 or 4);
        Assert.Equal(8_000, index.Count);
        for (var i = 0; i < 10_000; i++)
        {
            Assert.Equal(i % 10 is not (3 or 4), index.TryFind(TestBlocks.Digest(i), out _));
        }

        for (var i = 10_000; i < 12_000; i++)
        {
            Assert.True(index.TryAdd(TestBlocks.Digest(i), new BlockLocation(20, (uint)i, 1)));
        }

        var seen = 0;
        index.ForEach((_, _, _) => seen++);
        Assert.Equal(10_000, seen);
    }

    private protected override IBlockStore Open(CapacityBudget? capacity = null) =>
        SegmentStore.Open(SegmentFolder, capacity ?? new CapacityBudget(), SegmentBytes);

    private SegmentLog OpenLog(SegmentTable table, Action<Segment>? flush = null) =>
        new(Directory.CreateDirectory(SegmentFolder).FullName, new CapacityBudget(), SegmentBytes, table, flush);

    private async Task<(uint Segment, uint Offset)> AppendAsync(SegmentLog log, byte[] block)
    {
        using var batch = await Pool.RentAsync(default);
        batch.Add(BlockDigest.Of(block), block);
        return (await log.AppendAsync(batch, AppendMode.Add, default))!.Value;
    }

    private string[] Files() => [.. Directory.EnumerateFiles(SegmentFolder).Order()];

    private void Overwrite(long offset, byte[] bytes)
    {
        using var file = new FileStream(Files()[0], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = offset;
        file.Write(bytes);
    }
}
