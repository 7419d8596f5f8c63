using System.Runtime.InteropServices;

namespace Gallery.Region.Blocks;

/// <summary>A block to be had: its digest and the bytes it must have.</summary>
/// <param name="Digest">What it is.</param>
/// <param name="Length">How long it is, in bytes.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BlockRef(BlockDigest Digest, int Length) : ISized;
