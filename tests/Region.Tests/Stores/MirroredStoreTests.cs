using Gallery.Region.Errors;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Segments;
using Gallery.Region.Stores.Zones;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Stores;

/// <summary>The store that keeps three copies, and what it does when one is bad.</summary>
public sealed class MirroredStoreTests : BlockStoreSuite
{
    [Fact]
    public async Task A_rotten_block_is_read_from_another_zone()
    {
        var blocks = Many(20);
        await using var store = Open();
        await store.WriteAsync(Pool, blocks);
        await store.FlushAsync(default);
        Spoil(0, blocks[5]);
        Spoil(1, blocks[5]);
        await CheckAsync(store, blocks);
        Assert.Equal(blocks.SelectMany(block => block), await store.ReadAsync([.. blocks.Select(TestBlocks.Ref)]));
    }

    [Fact]
    public async Task A_block_that_is_rotten_everywhere_is_corrupt()
    {
        var blocks = Many(3);
        await using var store = Open();
        await store.WriteAsync(Pool, blocks);
        foreach (var zone in Enumerable.Range(0, 3))
        {
            Spoil(zone, blocks[1]);
        }

        await Assert.ThrowsAsync<BlockCorruptException>(() => store.ReadAsync(TestBlocks.Ref(blocks[1])));
    }

    [Fact]
    public async Task Losing_a_zone_loses_nothing_and_what_it_lacks_is_written_again()
    {
        var blocks = Many(20);
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, blocks);
            await store.FlushAsync(default);
        }

        Directory.Delete(ZoneFolder(0), recursive: true);
        await using (var again = Open())
        {
            Assert.Equal(blocks.SelectMany(block => block), await again.ReadAsync([.. blocks.Select(TestBlocks.Ref)]));
            Assert.False(again.Holds(TestBlocks.Ref(blocks[0]).Digest));
            await again.WriteAsync(Pool, blocks);
            Assert.True(again.Holds(TestBlocks.Ref(blocks[0]).Digest));
            await again.FlushAsync(default);
        }

        Directory.Delete(ZoneFolder(1), recursive: true);
        Directory.Delete(ZoneFolder(2), recursive: true);
        await using var third = Open();
        Assert.Equal(blocks.SelectMany(block => block), await third.ReadAsync([.. blocks.Select(TestBlocks.Ref)]));
    }

    [Fact]
    public async Task A_zone_that_can_not_be_opened_refuses_writes_and_reading_goes_on()
    {
        var blocks = Many(3);
        await using (var store = Open())
        {
            await store.WriteAsync(Pool, blocks);
            await store.FlushAsync(default);
        }

        await using var two = new MirroredStore([new UnavailableStore("zone 1 is gone"), OpenZone(1), OpenZone(2)]);
        Assert.Equal(blocks.SelectMany(block => block), await two.ReadAsync([.. blocks.Select(TestBlocks.Ref)]));
        var refused = await Assert.ThrowsAsync<RegionException>(() => two.WriteAsync(Pool, TestBlocks.Bytes(50)));
        Assert.Equal(Gallery.Contracts.Common.V1.ErrorReason.RegionUnavailable, refused.Reason);
        Assert.False(two.Holds(TestBlocks.Ref(TestBlocks.Bytes(50)).Digest));
    }

    private protected override IBlockStore Open(CapacityBudget? capacity = null)
    {
        capacity ??= new CapacityBudget();
        return new MirroredStore([.. Enumerable.Range(0, 3).Select(zone => OpenZone(zone, capacity))]);
    }

    private SegmentStore OpenZone(int zone, CapacityBudget? capacity = null) =>
        SegmentStore.Open(ZoneFolder(zone), capacity ?? new CapacityBudget(), 4 << 20);

    private string ZoneFolder(int zone) => Folder[$"zone{zone}"];

    private void Spoil(int zone, byte[] block)
    {
        foreach (var path in Directory.EnumerateFiles(ZoneFolder(zone)))
        {
            var bytes = File.ReadAllBytes(path);
            var at = bytes.AsSpan().IndexOf(block);
            if (at >= 0)
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                file.Position = at + 17;
                file.WriteByte((byte)~block[17]);
            }
        }
    }
}
