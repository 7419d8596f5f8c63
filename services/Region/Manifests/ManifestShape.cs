using Gallery.Region.Blocks;

namespace Gallery.Region.Manifests;

/// <summary>
/// The shape of a manifest: a tree over the digests of a disk's blocks. A leaf covers 1,024 blocks (64 MiB), an inner node 256 children,
/// so that a disk of 1 TiB has three levels. The shape depends on the disk's size alone, subtrees without blocks are left out, and every node
/// has exactly one encoding: equal disks have equal roots, and two disks differ only where their nodes' digests do.
/// </summary>
/// <remarks>
/// All numbers little-endian. Every node begins with the four bytes `GMF1` and its kind.
/// <code>
/// root   64 bytes: magic 4, kind 2, height 1, zero 2, block size 4, zero 4, virtual size 8, occupied size 8, digest of the top node 32
/// inner  magic 4, kind 1, level 1, zero 2, bitmap of present children 32, then for each: digest 32, occupied bytes 8
/// leaf   magic 4, kind 0, level 0, zero 2, bitmap of present blocks 128, then for each: digest 32
/// </code>
/// Kind, height and level take one byte each. Height counts the levels below the root; 0 means that the disk has no block at all.
/// </remarks>
internal static class ManifestShape
{
    /// <summary>Blocks that a leaf covers.</summary>
    public const int LeafBlocks = 1024;

    /// <summary>Children of an inner node.</summary>
    public const int FanOut = 256;

    /// <summary>Bytes of the largest node.</summary>
    public const int MaxNodeSize = 8 + (LeafBlocks / 8) + (LeafBlocks * BlockDigest.Size);

    /// <summary>The largest disk that a manifest can describe, in bytes. Far above what a region accepts; it bounds the height.</summary>
    public const long MaxVirtualSize = 1L << 50;

    internal const uint Magic = 0x31464D47;
    internal const byte LeafKind = 0;
    internal const byte InnerKind = 1;
    internal const byte RootKind = 2;

    /// <summary>Levels below the root of a disk with so many blocks: 1 when a single leaf covers it.</summary>
    public static int HeightOf(long blockCount)
    {
        var height = 1;
        for (long covered = LeafBlocks; covered < blockCount; covered *= FanOut)
        {
            height++;
        }

        return height;
    }

    /// <summary>Blocks that a node of a level covers; a leaf's level is 0.</summary>
    public static long BlocksAt(int level)
    {
        long covered = LeafBlocks;
        for (var i = 0; i < level; i++)
        {
            covered *= FanOut;
        }

        return covered;
    }
}
