using System.Runtime.InteropServices;

namespace Gallery.Region.Blocks;

/// <summary>A block to be had: its digest and the bytes it must have.</summary>
/// <param name="Digest">What it is.</param>
/// <param name="Length">How long it is, in bytes.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BlockRef(BlockDigest Digest, int Length)
{
    /// <summary>Bytes of some blocks together. The caller sees to it that they are few enough for one buffer.</summary>
    public static int LengthOf(ReadOnlySpan<BlockRef> blocks)
    {
        var length = 0;
        foreach (ref readonly var block in blocks)
        {
            length += block.Length;
        }

        return length;
    }
}
