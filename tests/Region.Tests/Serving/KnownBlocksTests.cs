using Gallery.Region.Blocks;
using Gallery.Region.Serving;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Serving;

public sealed class KnownBlocksTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(512)]
    [InlineData(BlockLayout.BlockSize)]
    public void A_block_that_was_good_once_is_found_bad_when_a_bit_of_it_changes(int length)
    {
        var known = new KnownBlocks();
        var bytes = TestBlocks.Bytes(1, length);
        var digest = BlockDigest.Of(bytes);
        Assert.True(known.Check(digest, bytes));
        Assert.True(known.Check(digest, bytes));
        for (var at = 0; at < length; at += Math.Max(1, length / 100))
        {
            bytes[at] ^= 4;
            Assert.False(known.Check(digest, bytes));
            bytes[at] ^= 4;
        }

        Assert.True(known.Check(digest, bytes));
        Assert.False(known.Check(digest, bytes.AsSpan(1)));
    }

    [Fact]
    public void A_block_is_not_taken_for_another()
    {
        var known = new KnownBlocks();
        var blocks = Enumerable.Range(0, 200).Select(seed => TestBlocks.Bytes(seed, 4096)).ToList();
        Assert.All(blocks, block => Assert.True(known.Check(BlockDigest.Of(block), block)));
        Assert.All(blocks.Zip(blocks.Skip(1)), pair => Assert.False(known.Check(BlockDigest.Of(pair.First), pair.Second)));
    }
}
