using Gallery.Region.Blocks;
using Gallery.Region.Formats;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Formats;

/// <summary>Reads disks to their end.</summary>
internal static class DiskContent
{
    /// <summary>The digest that names the content of a disk.</summary>
    public static async Task<BlockDigest> OfAsync(IRandomAccessFile file, IDiskLayout layout)
    {
        var blocks = new List<KeyValuePair<long, BlockDigest>>();
        await foreach (var block in new DiskBlocks(file, layout).ReadAsync(nameFileBlocks: false, default))
        {
            Assert.Equal(-1, block.FileBlock);
            Assert.Equal(BlockLayout.LengthOf(block.Index, layout.VirtualSize), block.Bytes.Length);
            Assert.False(BlockLayout.IsZero(block.Bytes.Span));
            blocks.Add(new(block.Index, BlockDigest.Of(block.Bytes.Span)));
        }

        return (await new MemoryNodes().BuildAsync(layout.VirtualSize, blocks)).Digest;
    }
}
