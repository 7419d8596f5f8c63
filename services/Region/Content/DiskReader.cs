using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gallery.Region.Blocks;
using Gallery.Region.Content.Views;
using Gallery.Region.Manifests;
using Gallery.Region.Serving;
using Gallery.Region.Stores;

namespace Gallery.Region.Content;

/// <summary>A piece of a disk: bytes, or a run of zeros that is not spelt out.</summary>
/// <param name="Offset">Where in the disk it begins.</param>
/// <param name="Data">Its bytes; empty for zeros. Good until the next piece is asked for.</param>
/// <param name="ZeroLength">Its length when it is zeros, else 0.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DiskPiece(long Offset, ReadOnlyMemory<byte> Data, long ZeroLength)
{
    /// <summary>Who holds the bytes; null when they are nobody else's.</summary>
    public DiskReader? From { get; init; }

    /// <summary>Gives the bytes back before the next piece is asked for: by who has copied them, and may now wait for long.</summary>
    public void Release() => From?.Release();
}

/// <summary>
/// Reads ranges of a disk from the store that holds its content, one block after the other through the cache. Every block is checked; holes come
/// as runs of zeros. One range at a time.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="nodes">Its manifest nodes.</param>
/// <param name="root">The content's root.</param>
/// <param name="cache">The blocks that were read lately.</param>
/// <param name="readAhead">Blocks that are read together when they are lacking.</param>
internal sealed class DiskReader(RegionStore store, INodeSource nodes, RootNode root, BlockCache cache, int readAhead) : IDiskView
{
    private readonly ManifestCursor _cursor = new(nodes, root);
    private CachedBlock? _held;

    /// <summary>Bytes of the disk.</summary>
    public long Length => root.VirtualSize;

    /// <summary>The root of the disk's manifest.</summary>
    public RootNode Root => root;

    /// <summary>The nodes of the disk's manifest.</summary>
    public INodeSource Nodes => nodes;

    /// <summary>The pieces of a range that lies within the disk, from its first to its last byte without gaps.</summary>
    public async IAsyncEnumerable<DiskPiece> ReadAsync(
        long offset,
        long length,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var end = offset + length;
        var refs = new BlockRef[readAhead];
        try
        {
            for (var at = offset; at < end; )
            {
                cancellationToken.ThrowIfCancellationRequested();
                var first = at / BlockLayout.BlockSize;
                var (data, blocks) = await NextRunAsync(first, end, refs, cancellationToken);
                if (!data)
                {
                    var runEnd = Math.Min(end, (first + blocks) * BlockLayout.BlockSize);
                    yield return new DiskPiece(at, default, runEnd - at);
                    at = runEnd;
                }

                for (var i = 0; data && i < blocks; i++)
                {
                    var block = await cache.GetAsync(store, refs.AsMemory(i, (int)blocks - i), cancellationToken);
                    _held = block;
                    var start = (first + i) * BlockLayout.BlockSize;
                    var pieceEnd = Math.Min(end, start + block.Bytes.Length);
                    yield return new DiskPiece(at, block.Bytes[(int)(at - start)..(int)(pieceEnd - start)], 0) { From = this };
                    Release();
                    at = pieceEnd;
                }
            }
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Gives the bytes of the last piece back.</summary>
    public void Release()
    {
        _held?.Dispose();
        _held = null;
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
