namespace Gallery.Region.Blocks;

/// <summary>Digests of blocks of zeros, by which a hole is recognised that somebody declared as a block.</summary>
internal static class ZeroBlocks
{
    private static readonly BlockDigest Full = BlockDigest.Of(new byte[BlockLayout.BlockSize]);

    /// <summary>The digest of so many zeros.</summary>
    public static BlockDigest DigestOf(int length) => length == BlockLayout.BlockSize ? Full : BlockDigest.Of(new byte[length]);
}
