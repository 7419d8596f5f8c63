using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Gallery.Region.Blocks;
using Gallery.Region.Manifests;

namespace Gallery.Region.Content.Views;

/// <summary>A disk as a qcow2 image, version 3, uncompressed, in which holes are not allocated. For one caller at a time.</summary>
internal sealed class Qcow2View : IDiskView
{
    private const int LeavesPerTable = Qcow2Shape.L2Entries / ManifestShape.LeafBlocks;
    private readonly DiskReader _disk;
    private readonly Qcow2Shape _shape;
    private readonly ManifestCursor _cursor;

    private Qcow2View(DiskReader disk, Qcow2Shape shape)
    {
        (_disk, _shape) = (disk, shape);
        _cursor = new ManifestCursor(disk.Nodes, disk.Root);
    }

    /// <inheritdoc/>
    public long Length => _shape.ClusterCount * Qcow2Shape.ClusterSize;

    /// <summary>Lays a disk out. Reads the inner nodes of its manifest, one for each 16 GiB.</summary>
    public static async ValueTask<Qcow2View> OpenAsync(DiskReader disk, CancellationToken cancellationToken)
    {
        var blocks = new int[(disk.Root.BlockCount + Qcow2Shape.L2Entries - 1) / Qcow2Shape.L2Entries];
        await foreach (var (leaf, occupied) in ManifestReader.LeafSizesAsync(disk.Nodes, disk.Root, cancellationToken))
        {
            blocks[leaf / LeavesPerTable] += (int)BlockLayout.CountOf(occupied);
        }

        return new Qcow2View(disk, new Qcow2Shape(disk.Length, blocks));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<DiskPiece> ReadAsync(
        long offset,
        long length,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var end = offset + length;
        var table = Array.Empty<byte>();
        for (var at = offset; at < end; )
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (cluster, within) = Math.DivRem(at, Qcow2Shape.ClusterSize);
            if (cluster < _shape.FirstData)
            {
                table = table.Length > 0 ? table : new byte[Qcow2Shape.ClusterSize];
                await FillAsync(cluster, table, cancellationToken);
                var count = (int)Math.Min(end - at, table.Length - within);
                yield return new DiskPiece(at, table.AsMemory((int)within, count), 0);
                at += count;
                continue;
            }

            var (first, blocks) = await FindAsync(cluster - _shape.FirstData, cancellationToken);
            var runEnd = Math.Min(end, at - within + (blocks * Qcow2Shape.ClusterSize));
            var start = (first * BlockLayout.BlockSize) + within;
            // The last block of a disk may be shorter than its cluster.
            var inDisk = Math.Clamp(_disk.Length - start, 0, runEnd - at);
            await foreach (var piece in _disk.ReadAsync(start, inDisk, cancellationToken))
            {
                yield return piece with
                {
                    Offset = piece.Offset - start + at,
                };
            }

            if (inDisk < runEnd - at)
            {
                yield return new DiskPiece(at + inDisk, default, runEnd - at - inDisk);
            }

            at = runEnd;
        }
    }

    private async ValueTask FillAsync(long cluster, byte[] bytes, CancellationToken cancellationToken)
    {
        var table = _shape.TableAt(cluster);
        if (table < 0)
        {
            _shape.FillCluster(cluster, bytes);
            return;
        }

        Array.Clear(bytes);
        var number = 0;
        for (var i = 0; i < LeavesPerTable; i++)
        {
            if (await LeafAsync(table, i, cancellationToken) is not { } leaf)
            {
                continue;
            }

            for (var slot = leaf.NextSlot(0); slot >= 0; slot = leaf.NextSlot(slot + 1))
            {
                var at = ((i * ManifestShape.LeafBlocks) + slot) * sizeof(ulong);
                BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(at), _shape.EntryOf(table, number++));
            }
        }
    }

    /// <summary>
    /// Where in the disk a block is, by its number among those that are not holes, and how many such blocks follow each other from there.
    /// </summary>
    private async ValueTask<(long First, long Blocks)> FindAsync(long block, CancellationToken cancellationToken)
    {
        var (table, skip) = _shape.TableOf(block);
        for (var i = 0; i < LeavesPerTable; i++)
        {
            if (await LeafAsync(table, i, cancellationToken) is not { } leaf)
            {
                continue;
            }

            if (skip < leaf.Count)
            {
                var (slot, blocks) = RunOf(leaf, skip);
                return (((((long)table * LeavesPerTable) + i) * ManifestShape.LeafBlocks) + slot, blocks);
            }

            skip -= leaf.Count;
        }

        throw new MalformedManifestException($"The manifest tells of {_shape.BlockCount} blocks, and block {block} is in no leaf.");
    }

    private static (int Slot, int Blocks) RunOf(LeafNode leaf, int number)
    {
        var slot = leaf.NextSlot(0);
        for (; number > 0; number--)
        {
            slot = leaf.NextSlot(slot + 1);
        }

        var end = slot + 1;
        while (leaf.NextSlot(end) == end)
        {
            end++;
        }

        return (slot, end - slot);
    }

    private async ValueTask<LeafNode?> LeafAsync(int table, int index, CancellationToken cancellationToken)
    {
        var leaf = ((long)table * LeavesPerTable) + index;
        return leaf * ManifestShape.LeafBlocks < _disk.Root.BlockCount ? await _cursor.LeafAsync(leaf, cancellationToken) : null;
    }
}
