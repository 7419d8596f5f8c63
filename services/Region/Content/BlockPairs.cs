using Gallery.Region.Blocks;

namespace Gallery.Region.Content;

/// <summary>Digests of wanted blocks, each followed by that of the block that the asker has in its place: how deltas are asked for.</summary>
internal static class BlockPairs
{
    /// <summary>Puts them together.</summary>
    /// <param name="wanted">The wanted blocks.</param>
    /// <param name="earlier">One a wanted block; empty to ask for whole blocks, which leaves out the pairs.</param>
    public static byte[] Join(ReadOnlySpan<BlockRef> wanted, ReadOnlySpan<BlockDigest> earlier)
    {
        var step = earlier.Length > 0 ? 2 * BlockDigest.Size : BlockDigest.Size;
        var bytes = new byte[wanted.Length * step];
        for (var i = 0; i < wanted.Length; i++)
        {
            wanted[i].Digest.CopyTo(bytes.AsSpan(i * step));
            if (earlier.Length > 0)
            {
                earlier[i].CopyTo(bytes.AsSpan((i * step) + BlockDigest.Size));
            }
        }

        return bytes;
    }

    /// <summary>Takes pairs apart.</summary>
    public static (BlockDigest[] Wanted, BlockDigest[] Earlier) Split(BlockDigest[] pairs)
    {
        var (wanted, earlier) = (new BlockDigest[pairs.Length / 2], new BlockDigest[pairs.Length / 2]);
        for (var i = 0; i < wanted.Length; i++)
        {
            (wanted[i], earlier[i]) = (pairs[2 * i], pairs[(2 * i) + 1]);
        }

        return (wanted, earlier);
    }
}
