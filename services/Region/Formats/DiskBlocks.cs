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
    private FileRun _known;
    private long _knownData;

    /// <summary>The blocks of the disk; one that is left out is all zero. To be called once.</summary>
    /// <param name="nameFileBlocks">True to name blocks of the file where they fit; they may still turn out to be holes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InvalidDiskFormatException">The file is damaged.</exception>
    public async IAsyncEnumerable<DiskBlock> ReadAsync(bool nameFileBlocks, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var decoder = new ClusterDecoder();
        await foreach (var whole in layout.RunsAsync(cancellationToken))
        {
            if (whole.Encoding != RunEncoding.Plain)
            {
                _cluster = await DecodeAsync(decoder, whole, cancellationToken);
            }

            for (var rest = whole; rest.Length > 0; )
            {
                var run = await NextDataAsync(rest, cancellationToken);
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

                rest = Behind(rest, end);
            }
        }

        if (TryTake(out var last))
        {
            yield return last;
        }
    }

    /// <summary>What is left of a run behind a byte of the disk.</summary>
    private static DiskRun Behind(in DiskRun run, long end)
    {
        var done = end - run.DiskOffset;
        return run.Encoding == RunEncoding.Plain
            ? DiskRun.Plain(end, run.Length - done, run.FileOffset + done)
            : run with
            {
                DiskOffset = end,
                Length = run.Length - done,
            };
    }

    /// <summary>The first part of a run that is not a hole of the file; one of length 0 at the end of the run when all of it is.</summary>
    private async ValueTask<DiskRun> NextDataAsync(DiskRun run, CancellationToken cancellationToken)
    {
        if (run.Encoding != RunEncoding.Plain)
        {
            return run;
        }

        if (run.FileOffset < _known.Offset || run.FileOffset >= _known.End)
        {
            var data = await file.NextDataAsync(run.FileOffset, cancellationToken);
            // What is known reaches back to where was asked; behind the last data it reaches to the end of the file.
            _known = new FileRun(run.FileOffset, (data.Length > 0 ? data.End : file.Length) - run.FileOffset);
            _knownData = data.Length > 0 ? data.Offset : file.Length;
        }

        var fileEnd = run.FileOffset + run.Length;
        var start = Math.Clamp(_knownData, run.FileOffset, fileEnd);
        var end = Math.Max(start, Math.Min(fileEnd, _known.End));
        return DiskRun.Plain(run.DiskOffset + (start - run.FileOffset), end - start, start);
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
