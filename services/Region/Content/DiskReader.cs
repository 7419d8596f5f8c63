using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gallery.Region.Blocks;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;

namespace Gallery.Region.Content;

/// <summary>A piece of a disk: bytes, or a run of zeros that is not spelt out.</summary>
/// <param name="Offset">Where in the disk it begins.</param>
/// <param name="Data">Its bytes; empty for zeros. Good until the next piece is asked for.</param>
/// <param name="ZeroLength">Its length when it is zeros, else 0.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DiskPiece(long Offset, ReadOnlyMemory<byte> Data, long ZeroLength);

/// <summary>Reads ranges of a disk from the store that holds its content. Every block is checked; holes come as runs of zeros.</summary>
internal sealed class DiskReader(RegionStore store, RootNode root)
{
    private const int BlocksPerPiece = 16;
    private readonly ManifestCursor _cursor = new(store, root);

    /// <summary>Bytes of the disk.</summary>
    public long Length => root.VirtualSize;

    /// <summary>Opens a content.</summary>
    public static async ValueTask<DiskReader> OpenAsync(RegionStore store, BlockDigest content, CancellationToken cancellationToken) =>
        new(store, (await ManifestReader.ReadRootAsync(store, content, cancellationToken)).Root);

    /// <summary>The pieces of a range that lies within the disk, from its first to its last byte without gaps.</summary>
    public async IAsyncEnumerable<DiskPiece> ReadAsync(
        long offset,
        long length,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var end = offset + length;
        var refs = new BlockRef[BlocksPerPiece];
        var buffer = ArrayPool<byte>.Shared.Rent(BlocksPerPiece * BlockLayout.BlockSize);
        try
        {
            for (var at = offset; at < end; )
            {
                cancellationToken.ThrowIfCancellationRequested();
                var first = at / BlockLayout.BlockSize;
                var (data, blocks) = await NextRunAsync(first, end, refs, cancellationToken);
                var runEnd = Math.Min(end, (first + blocks) * BlockLayout.BlockSize);
                if (!data)
                {
                    yield return new DiskPiece(at, default, runEnd - at);
                }
                else
                {
                    await store.Blocks.ReadAsync(refs.AsMemory(0, (int)blocks), buffer, cancellationToken);
                    var within = (int)(at - (first * BlockLayout.BlockSize));
                    yield return new DiskPiece(at, buffer.AsMemory(within, (int)(runEnd - at)), 0);
                }

                at = runEnd;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>How many blocks from here on are data, up to a piece full of them; or how many are holes, up to the end of the range.</summary>
    private async ValueTask<(bool IsData, long Blocks)> NextRunAsync(
        long first,
        long end,
        BlockRef[] refs,
        CancellationToken cancellationToken
    )
    {
        var last = (end - 1) / BlockLayout.BlockSize;
        long holes = 0;
        for (var block = first; block <= last; )
        {
            var leafIndex = block / ManifestShape.LeafBlocks;
            var slot = (int)(block % ManifestShape.LeafBlocks);
            var leaf = await _cursor.LeafAsync(leafIndex, cancellationToken);
            var next = leaf?.NextSlot(slot) ?? -1;
            if (next == slot && holes == 0)
            {
                return (true, CollectData(leaf!.Value, block, last, refs));
            }

            // To the next block that is data, or to the end of the leaf.
            var skipped = Math.Min(next < 0 ? ManifestShape.LeafBlocks - slot : next - slot, last - block + 1);
            holes += skipped;
            block += skipped;
            if (next >= 0)
            {
                break;
            }
        }

        return (false, holes);
    }

    private int CollectData(LeafNode leaf, long first, long last, BlockRef[] refs)
    {
        var count = 0;
        var slot = (int)(first % ManifestShape.LeafBlocks);
        while (
            count < refs.Length && slot < ManifestShape.LeafBlocks && first + count <= last && leaf[slot] is var digest && !digest.IsHole
        )
        {
            refs[count] = new BlockRef(digest, BlockLayout.LengthOf(first + count, root.VirtualSize));
            count++;
            slot++;
        }

        return count;
    }
}
