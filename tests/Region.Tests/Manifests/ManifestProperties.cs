using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Gallery.Region.Blocks;
using Gallery.Region.Errors;
using Gallery.Region.Manifests;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Manifests;

/// <summary>A disk: its size and the blocks that are not holes.</summary>
public sealed record Disk(long VirtualSize, Dictionary<long, int> Seeds)
{
    internal IEnumerable<KeyValuePair<long, BlockDigest>> Blocks =>
        Seeds.Select(block => new KeyValuePair<long, BlockDigest>(block.Key, TestBlocks.Digest(block.Value)));

    internal long Occupied => Seeds.Keys.Sum(index => (long)BlockLayout.LengthOf(index, VirtualSize));

    public override string ToString() => $"{VirtualSize} bytes, blocks {string.Join(',', Seeds.Keys.Order())}";
}

public static class DiskGenerator
{
    // From one sector to some TiB, so that all heights occur; blocks at the edges of leaves and inner nodes more often than by chance.
    public static Arbitrary<Disk> Disks() =>
        (
            from sectors in Gen.OneOf(Gen.Choose(1, 4096), Gen.Choose(1, 4_000_000), Gen.Choose(1_000_000, int.MaxValue))
            let size = (long)sectors * BlockLayout.SectorSize
            let count = BlockLayout.CountOf(size)
            from indexes in Gen.ListOf(IndexBelow(count))
            from seeds in Gen.ListOf(Gen.Choose(0, 1000), indexes.Count)
            select new Disk(size, indexes.Zip(seeds).DistinctBy(pair => pair.First).ToDictionary(pair => pair.First, pair => pair.Second))
        ).ToArbitrary();

    private static Gen<long> IndexBelow(long count) =>
        Gen.OneOf(
            Gen.Choose(0, int.MaxValue).Select(number => number % count),
            Gen.Choose(0, 2000).Select(number => number % count),
            Gen.Elements(0L, 1023, 1024, 262_143, 262_144, count - 1).Select(index => Math.Clamp(index, 0, count - 1))
        );
}

[Properties(Arbitrary = [typeof(DiskGenerator)], MaxTest = 200)]
public sealed class ManifestProperties
{
    [Property]
    public async Task A_manifest_gives_back_its_blocks(Disk disk)
    {
        var nodes = new MemoryNodes();
        var manifest = await nodes.BuildAsync(disk.VirtualSize, disk.Blocks);
        var (_, root) = await ManifestReader.ReadRootAsync(nodes, manifest.Digest, default) is { } read
            ? (read.Digest, read.Root)
            : default;
        Assert.Equal(disk.VirtualSize, root.VirtualSize);
        Assert.Equal(disk.Occupied, root.OccupiedSize);
        Assert.Equal(disk.Blocks.OrderBy(block => block.Key), (await nodes.BlocksOfAsync(root)).OrderBy(block => block.Key));
    }

    [Property]
    public async Task Equal_disks_have_equal_digests_and_nodes_encode_to_the_bytes_they_were_read_from(Disk disk)
    {
        var (first, second) = (new MemoryNodes(), new MemoryNodes());
        Assert.Equal(
            (await first.BuildAsync(disk.VirtualSize, disk.Blocks)).Digest,
            (await second.BuildAsync(disk.VirtualSize, disk.Blocks)).Digest
        );
        foreach (var node in first.Nodes.Values)
        {
            Assert.Equal(node, Reencode(node));
        }
    }

    [Property]
    public async Task A_changed_block_or_size_changes_the_digest(Disk disk, int seed)
    {
        var nodes = new MemoryNodes();
        var before = await nodes.BuildAsync(disk.VirtualSize, disk.Blocks);
        var index = (long)((uint)seed % (ulong)BlockLayout.CountOf(disk.VirtualSize));
        var changed = disk.Blocks.Where(block => block.Key != index).Append(new(index, TestBlocks.Digest(-1)));
        Assert.NotEqual(before.Digest, (await nodes.BuildAsync(disk.VirtualSize, changed)).Digest);
        Assert.NotEqual(before.Digest, (await nodes.BuildAsync(disk.VirtualSize + 512, disk.Blocks)).Digest);
    }

    [Property]
    public async Task The_difference_of_two_disks_is_exactly_the_blocks_that_differ(Disk left, Disk right)
    {
        var nodes = new MemoryNodes();
        var (a, b) = (left.Blocks.ToDictionary(), right.Blocks.ToDictionary());
        var expected = a
            .Keys.Union(b.Keys)
            .Order()
            .Select(index => new BlockChange(index, a.GetValueOrDefault(index), b.GetValueOrDefault(index)))
            .Where(change => change.Before != change.After);
        var before = await nodes.BuildAsync(left.VirtualSize, left.Blocks);
        var after = await nodes.BuildAsync(right.VirtualSize, right.Blocks);
        Assert.Equal(expected, await CompareAsync(nodes, before, after));
    }

    [Property(MaxTest = 60)]
    public async Task Comparing_costs_the_differences(Disk disk, int seed)
    {
        var nodes = new MemoryNodes();
        var index = (long)((uint)seed % (ulong)BlockLayout.CountOf(disk.VirtualSize));
        var before = await nodes.BuildAsync(disk.VirtualSize, disk.Blocks);
        var changed = disk.Blocks.Where(block => block.Key != index).Append(new(index, TestBlocks.Digest(-1)));
        var after = await nodes.BuildAsync(disk.VirtualSize, changed);
        var reads = nodes.Reads;
        Assert.Single(await CompareAsync(nodes, before, after));
        Assert.InRange(nodes.Reads - reads, 1, 2 * after.Root.Height);
    }

    [Property(MaxTest = 60)]
    public async Task A_cursor_finds_the_leaves_that_a_walk_finds(Disk disk)
    {
        var nodes = new MemoryNodes();
        var manifest = await nodes.BuildAsync(disk.VirtualSize, disk.Blocks);
        var cursor = new ManifestCursor(nodes, manifest.Root);
        var blocks = disk.Blocks.ToDictionary();
        foreach (var index in blocks.Keys.Append(0).Append(manifest.Root.BlockCount - 1))
        {
            var leaf = await cursor.LeafAsync(index / ManifestShape.LeafBlocks, default);
            Assert.Equal(blocks.GetValueOrDefault(index), leaf?[(int)(index % ManifestShape.LeafBlocks)] ?? default);
        }
    }

    [Property(MaxTest = 500)]
    public async Task Damaged_nodes_are_refused_as_malformed_or_are_other_nodes(Disk disk, int pick, int at, byte flip, bool cut)
    {
        var nodes = new MemoryNodes();
        await nodes.BuildAsync(disk.VirtualSize, disk.Blocks);
        var node = nodes.Nodes.Values.ElementAt((int)((uint)pick % (uint)nodes.Nodes.Count)).ToArray();
        node[(int)((uint)at % (uint)node.Length)] ^= (byte)(flip | 1);
        node = cut ? node[..(int)((uint)at % (uint)node.Length)] : node;
        try
        {
            Assert.Equal(node, Reencode(node));
        }
        catch (MalformedManifestException)
        {
            // As it should be.
        }
    }

    [Property(MaxTest = 500)]
    public void Any_bytes_are_refused_as_malformed_or_are_a_node(byte[] bytes, byte kind)
    {
        byte[] node = [.. "GMF1"u8, (byte)(kind % 4), .. bytes];
        try
        {
            Assert.Equal(node, Reencode(node));
        }
        catch (MalformedManifestException)
        {
            // As it should be.
        }
    }

    private static async Task<List<BlockChange>> CompareAsync(MemoryNodes nodes, Manifest before, Manifest after)
    {
        var changes = new List<BlockChange>();
        await foreach (var change in new ManifestDiff(nodes, nodes).CompareAsync(before.Root, after.Root, default))
        {
            changes.Add(change);
        }

        return changes;
    }

    private static byte[] Reencode(byte[] node)
    {
        switch (node.ElementAtOrDefault(4))
        {
            case ManifestShape.RootKind:
                return RootNode.Parse(node).Encode();
            case ManifestShape.InnerKind:
                var level = Math.Clamp((int)node.ElementAtOrDefault(5), 1, 5);
                return InnerNode.Encode(level, InnerNode.Parse(node, level).Children().ToArray());
            default:
                var leaf = LeafNode.Parse(node);
                return LeafNode.Encode(Enumerable.Range(0, ManifestShape.LeafBlocks).Select(slot => leaf[slot]).ToArray());
        }
    }
}
