using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>A block of a disk that may hold data.</summary>
/// <param name="Index">Its position in the disk.</param>
/// <param name="FileBlock">
/// The position in the file of a block with just its bytes, when there is one and such blocks were asked for; else -1.
/// </param>
/// <param name="Bytes">Its bytes when they were read, not all zero; good until the next block is asked for.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DiskBlock(long Index, long FileBlock, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// Cuts a disk, in whatever format its file is, into blocks in ascending order. Where a whole block of the disk is a whole block of the file,
/// its digest may be known already: then it is named instead of read. Takes memory for one block, and for one cluster when it is compressed.
/// </summary>
/// <param name="file">The file.</param>
/// <param name="layout">The disk in it.</param>
internal sealed class DiskBlocks(IRandomAccessFile file, IDiskLayout layout)
{
    private readonly byte[] _block = new byte[BlockLayout.BlockSize];
    private long _index = -1;
    private ReadOnlyMemory<byte> _cluster;

    /// <summary>The blocks of the disk; one that is left out is all zero. To be called once.</summary>
    /// <param name="nameFileBlocks">True to name blocks of the file where they fit; they may still turn out to be holes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InvalidDiskFormatException">The file is damaged.</exception>
    public async IAsyncEnumerable<DiskBlock> ReadAsync(bool nameFileBlocks, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var decoder = new ClusterDecoder();
        await foreach (var run in layout.RunsAsync(cancellationToken))
        {
            if (run.Encoding != RunEncoding.Plain)
            {
                _cluster = await DecodeAsync(decoder, run, cancellationToken);
            }

            var end = run.DiskOffset + run.Length;
            for (var at = run.DiskOffset; at < end; )
            {
                var index = at / BlockLayout.BlockSize;
                var blockEnd = (index * BlockLayout.BlockSize) + BlockLayout.LengthOf(index, layout.VirtualSize);
                var count = (int)(Math.Min(end, blockEnd) - at);
                if (index != _index && TryTake(out var finished))
                {
                    yield return finished;
                }

                if (nameFileBlocks && FileBlockOf(run, at, index, count) is var fileBlock and >= 0)
                {
                    yield return new DiskBlock(index, fileBlock, default);
                }
                else
                {
                    await FillAsync(run, at, index, count, cancellationToken);
                }

                at += count;
            }
        }

        if (TryTake(out var last))
        {
            yield return last;
        }
    }

    /// <summary>The block of the file that is just this block of the disk; -1 when none is.</summary>
    private long FileBlockOf(in DiskRun run, long at, long index, int count)
    {
        if (run.Encoding != RunEncoding.Plain || count != BlockLayout.LengthOf(index, layout.VirtualSize))
        {
            return -1;
        }

        var (fileBlock, within) = Math.DivRem(run.FileOffset + (at - run.DiskOffset), BlockLayout.BlockSize);
        return within == 0 && BlockLayout.LengthOf(fileBlock, file.Length) == count ? fileBlock : -1;
    }

    private async ValueTask FillAsync(DiskRun run, long at, long index, int count, CancellationToken cancellationToken)
    {
        if (index != _index)
        {
            Array.Clear(_block);
            _index = index;
        }

        var destination = _block.AsMemory((int)(at - (index * BlockLayout.BlockSize)), count);
        var within = at - run.DiskOffset;
        if (run.Encoding == RunEncoding.Plain)
        {
            await file.ReadPaddedAsync(run.FileOffset + within, destination, cancellationToken);
        }
        else
        {
            _cluster.Slice((int)within, count).CopyTo(destination);
        }
    }

    private bool TryTake(out DiskBlock block)
    {
        block = default;
        if (_index < 0)
        {
            return false;
        }

        var bytes = _block.AsMemory(0, BlockLayout.LengthOf(_index, layout.VirtualSize));
        block = new DiskBlock(_index, -1, bytes);
        _index = -1;
        return !BlockLayout.IsZero(bytes.Span);
    }

    private async ValueTask<ReadOnlyMemory<byte>> DecodeAsync(ClusterDecoder decoder, DiskRun run, CancellationToken cancellationToken)
    {
        var stored = ArrayPool<byte>.Shared.Rent((int)run.StoredLength);
        try
        {
            await file.ReadPaddedAsync(run.FileOffset, stored.AsMemory(0, (int)run.StoredLength), cancellationToken);
            return decoder.Decode(stored, run);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(stored);
        }
    }
}
