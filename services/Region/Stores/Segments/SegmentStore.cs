using Gallery.Region.Blocks;

namespace Gallery.Region.Stores.Segments;

/// <summary>
/// Blocks in a folder of a local disk: a few large append-only segment files, and an index in memory that is rebuilt from them.
/// </summary>
internal sealed class SegmentStore : IBlockStore
{
    /// <summary>Size at which a segment file is full, unless set otherwise.</summary>
    public const long DefaultSegmentBytes = 256L * 1024 * 1024;

    private readonly SegmentTable _table = new();
    private readonly SegmentLog _log;
    private readonly SegmentCompactor _compactor;
    private readonly SegmentScrub _scrub;
    private readonly SemaphoreSlim _collecting = new(1, 1);

    private SegmentStore(string folder, CapacityBudget capacity, long segmentBytes)
    {
        _log = new SegmentLog(folder, capacity, segmentBytes, _table);
        _compactor = new SegmentCompactor(_table, _log);
        _scrub = new SegmentScrub(_table, _compactor);
    }

    /// <inheritdoc/>
    public long BlockCount => _table.BlockCount;

    /// <inheritdoc/>
    public long UsedBytes => _log.UsedBytes;

    /// <summary>Opens the store in a folder, which is made when it is not there, and reads what is in it.</summary>
    public static SegmentStore Open(string folder, CapacityBudget capacity, long segmentBytes = DefaultSegmentBytes)
    {
        Directory.CreateDirectory(folder);
        return new SegmentStore(folder, capacity, segmentBytes);
    }

    /// <inheritdoc/>
    public bool TryGetLength(in BlockDigest digest, out int length)
    {
        var found = _table.TryFind(digest, out var location);
        length = location.Length;
        return found;
    }

    /// <inheritdoc/>
    public bool Holds(in BlockDigest digest) => _table.TryFind(digest, out _);

    /// <inheritdoc/>
    public ValueTask ReadAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        Read(blocks, destination, check: true, cancellationToken);

    /// <inheritdoc/>
    public ValueTask ReadUncheckedAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        Read(blocks, destination, check: false, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask WriteAsync(BlockBatch batch, CancellationToken cancellationToken)
    {
        if (!_table.HoldsAll(batch.Entries.Span))
        {
            await _log.AppendAsync(batch, AppendMode.Add, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken) => _log.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<IBlockCollection> BeginCollectionAsync(CancellationToken cancellationToken)
    {
        await _collecting.WaitAsync(cancellationToken);
        try
        {
            return new Collection(this, await _log.LengthsAsync(cancellationToken));
        }
        catch
        {
            _collecting.Release();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask<long> CompactAsync(BlockBatchPool pool, Pace pace, CancellationToken cancellationToken) =>
        _compactor.RunAsync(pool, pace, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask ReplaceAsync(BlockBatch batch, CancellationToken cancellationToken) =>
        await _log.AppendAsync(batch, AppendMode.Replace, cancellationToken);

    /// <inheritdoc/>
    public void Forget(in BlockDigest digest) => _table.Forget(digest);

    /// <inheritdoc/>
    public IReadOnlyList<BlockRef> ListBlocks() => _table.Blocks();

    /// <inheritdoc/>
    public IAsyncEnumerable<ScrubStep> ScrubAsync(ScrubPosition from, Pace pace, CancellationToken cancellationToken) =>
        _scrub.RunAsync(from, pace, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _log.DisposeAsync();

    private ValueTask Read(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, bool check, CancellationToken cancellationToken)
    {
        var refs = blocks.Span;
        var bytes = destination.Span;
        for (var first = 0; first < refs.Length; )
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (segment, location, count) = _table.FindRun(refs[first..]);
            if (!TryReadRun(segment, location.Offset, bytes[..location.Length], refs[first].Digest))
            {
                continue;
            }

            foreach (ref readonly var block in refs.Slice(first, count))
            {
                if (check && BlockDigest.Of(bytes[..block.Length]) != block.Digest)
                {
                    throw new BlockCorruptException($"A block in {segment.Path} does not have its digest {block.Digest}.");
                }

                bytes = bytes[block.Length..];
            }

            first += count;
        }

        return ValueTask.CompletedTask;
    }

    /// <returns>False when the segment was freed between the look-up and the read: what is alive of it lies elsewhere by now.</returns>
    private static bool TryReadRun(Segment segment, long offset, Span<byte> destination, in BlockDigest first)
    {
        try
        {
            segment.Read(destination, offset);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BlockCorruptException($"A block in {segment.Path} can't be read ({first}): {exception.Message}", exception);
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private async ValueTask<long> SweepAsync(Dictionary<Segment, long> candidates, SegmentMarks marks)
    {
        var (freed, thin) = await _log.SweepAsync(candidates, marks);
        _compactor.Plan(thin);
        return freed;
    }

    private sealed class Collection(SegmentStore store, Dictionary<Segment, long> candidates) : IBlockCollection
    {
        private readonly SegmentMarks _marks = new();
        private bool _ended;

        public bool Mark(in BlockDigest digest) => store._table.Mark(_marks, digest);

        public ValueTask<long> FreeAsync() => store.SweepAsync(candidates, _marks);

        public void Dispose()
        {
            if (!_ended)
            {
                _ended = true;
                store._collecting.Release();
            }
        }
    }
}
