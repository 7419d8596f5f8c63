using System.Runtime.InteropServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Transfers;

/// <summary>Some blocks that a store lacks.</summary>
/// <param name="Blocks">The blocks.</param>
/// <param name="Earlier">
/// For each the block that an earlier content of the same store has at its place, which it may well resemble; the default value where there is
/// none. Empty when there is none at all.
/// </param>
/// <param name="IsDelta">True when the store had most of what comes before these.</param>
/// <param name="RepeatedBytes">Bytes of further places of the disk that wait for the same blocks.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BlockRun(
    ReadOnlyMemory<BlockRef> Blocks,
    ReadOnlyMemory<BlockDigest> Earlier,
    bool IsDelta,
    long RepeatedBytes
);
