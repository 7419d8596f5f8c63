using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Manifests;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Manifests;

public sealed class ManifestReaderTests
{
    private const long Size = (1L << 30) + 512;

    [Fact]
    public async Task A_disk_without_blocks_is_a_root_alone()
    {
        var nodes = new MemoryNodes();
        var manifest = await nodes.BuildAsync(Size, []);
        Assert.Single(nodes.Nodes);
        Assert.Equal(0, manifest.Root.OccupiedSize);
        Assert.Empty(await nodes.BlocksOfAsync(manifest.Root));
    }

    [Fact]
    public async Task A_last_block_counts_with_its_real_length()
    {
        var last = BlockLayout.CountOf(Size) - 1;
        var manifest = await new MemoryNodes().BuildAsync(Size, [new(0, TestBlocks.Digest(1)), new(last, TestBlocks.Digest(2))]);
        Assert.Equal(BlockLayout.BlockSize + 512, manifest.Root.OccupiedSize);
    }

    [Fact]
    public async Task A_subtree_that_claims_another_size_than_it_has_is_refused()
    {
        var nodes = new MemoryNodes();
        var manifest = await nodes.BuildAsync(Size, [new(5, TestBlocks.Digest(1))]);
        var lie = manifest.Root with { OccupiedSize = manifest.Root.OccupiedSize + BlockLayout.BlockSize };
        await Assert.ThrowsAsync<MalformedManifestException>(() => nodes.BlocksOfAsync(lie));
    }

    [Fact]
    public async Task A_block_behind_the_end_of_the_disk_is_refused()
    {
        var nodes = new MemoryNodes();
        var large = await nodes.BuildAsync(Size, [new(7, TestBlocks.Digest(1)), new(900, TestBlocks.Digest(2))]);
        var leaf = InnerNode.Parse(nodes.Nodes[large.Root.Top], 1)[0];
        var small = new RootNode(100 * BlockLayout.BlockSize, 2 * BlockLayout.BlockSize, leaf.Digest);
        await Assert.ThrowsAsync<MalformedManifestException>(() => nodes.BlocksOfAsync(small));
    }

    [Fact]
    public async Task A_node_of_the_wrong_level_is_refused()
    {
        var nodes = new MemoryNodes();
        var manifest = await nodes.BuildAsync(Size, [new(5, TestBlocks.Digest(1))]);
        var leaf = InnerNode.Parse(nodes.Nodes[manifest.Root.Top], 1)[0];
        await Assert.ThrowsAsync<MalformedManifestException>(() => nodes.BlocksOfAsync(manifest.Root with { Top = leaf.Digest }));
    }

    [Theory]
    [InlineData("sha256:")]
    [InlineData("sha256:00")]
    [InlineData("sha512:0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("sha256:000000000000000000000000000000000000000000000000000000000000000g")]
    [InlineData("sha256:ABCDEF0000000000000000000000000000000000000000000000000000000000")]
    [InlineData(null)]
    public void A_digest_is_read_strictly(string? text) => Assert.False(BlockDigest.TryParse(text, out _));

    [Fact]
    public void A_digest_is_written_as_it_is_read()
    {
        var digest = TestBlocks.Digest(3);
        Assert.True(BlockDigest.TryParse(digest.ToString(), out var read));
        Assert.Equal(digest, read);
    }
}
