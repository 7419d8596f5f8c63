using Gallery.Region.Blocks;
using Gallery.Region.Formats;
using Gallery.Region.Stores;

namespace Gallery.Region.Uploads;

/// <summary>
/// The file of an upload, read from its blocks. Keeps the last few blocks: tables and small clusters are read in pieces, and each piece would
/// cost a whole block. For one caller at a time.
/// </summary>
internal sealed class StagedFile(long length, BlockMap map, IBlockReader blocks) : IRandomAccessFile
{
    private const int KeptBlocks = 8;
    private const int KeptDigests = 4096;
    private readonly List<KeptBlock> _kept = new(KeptBlocks);
    private readonly BlockDigest[] _digests = new BlockDigest[KeptDigests];
    private long _firstDigest = -1;

    /// <inheritdoc/>
    public long Length => length;

    /// <summary>The digest of a block of the file; the default value for a hole.</summary>
    public BlockDigest DigestOf(long index)
    {
        var within = (int)(index % KeptDigests);
        if (index - within != _firstDigest)
        {
            _firstDigest = index - within;
            map.Read(_firstDigest, _digests.AsSpan(0, (int)Math.Min(KeptDigests, map.BlockCount - _firstDigest)));
        }

        return _digests[within];
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        if (offset >= length || destination.Length == 0)
        {
            return 0;
        }

        var (index, within) = Math.DivRem(offset, BlockLayout.BlockSize);
        var block = new BlockRef(DigestOf(index), BlockLayout.LengthOf(index, length));
        var count = (int)Math.Min(destination.Length, block.Length - within);
        if (block.Digest.IsHole)
        {
            destination.Span[..count].Clear();
        }
        else if (count == block.Length)
        {
            await blocks.ReadAsync(new[] { block }, destination[..count], cancellationToken);
        }
        else
        {
            var kept = await KeepAsync(index, block, cancellationToken);
            kept.AsSpan((int)within, count).CopyTo(destination.Span);
        }

        return count;
    }

    /// <inheritdoc/>
    public ValueTask<FileRun> NextDataAsync(long offset, CancellationToken cancellationToken)
    {
        if (offset >= length || !map.TryFindDeclared(offset / BlockLayout.BlockSize, out var first, out var end))
        {
            return ValueTask.FromResult(new FileRun(offset, 0));
        }

        var start = Math.Max(offset, first * BlockLayout.BlockSize);
        return ValueTask.FromResult(new FileRun(start, Math.Min(length, end * BlockLayout.BlockSize) - start));
    }

    /// <summary>Gives a block from those kept; one that is not among them takes the place of the one that was used longest ago.</summary>
    private async ValueTask<byte[]> KeepAsync(long index, BlockRef block, CancellationToken cancellationToken)
    {
        var at = _kept.FindIndex(kept => kept.Index == index);
        if (at >= 0)
        {
            var found = _kept[at];
            _kept.RemoveAt(at);
            _kept.Add(found);
            return found.Bytes;
        }

        var bytes = new byte[BlockLayout.BlockSize];
        if (_kept.Count == KeptBlocks)
        {
            bytes = _kept[0].Bytes;
            _kept.RemoveAt(0);
        }

        await blocks.ReadAsync(new[] { block }, bytes.AsMemory(0, block.Length), cancellationToken);
        _kept.Add(new KeptBlock(index, bytes));
        return bytes;
    }

    private sealed record KeptBlock(long Index, byte[] Bytes);
}
