using System.Runtime.InteropServices;
using Gallery.Region.Blocks;

namespace Gallery.Region.Stores.Segments;

/// <summary>
/// Blocks in a folder of a local disk: a few large append-only segment files, and an index in memory that is rebuilt from them.
/// </summary>
internal sealed class SegmentStore : IBlockStore
{
    /// <summary>Size at which a segment file is full, unless set otherwise.</summary>
    public const long DefaultSegmentBytes = 256L * 1024 * 1024;

    private readonly string _folder;
    private readonly CapacityBudget _capacity;
    private readonly long _segmentBytes;
    private readonly BlockIndex _index = new();
    private readonly SortedDictionary<uint, Segment> _segments = [];
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SemaphoreSlim _collecting = new(1, 1);
    private readonly HashSet<Segment> _dirty = [];
    private readonly AlignedMemory _header = new(GroupHeader.Size);
    private Segment? _current;
    private uint _nextNumber = 1;
    private bool _folderDirty;
    private long _usedBytes;

    private SegmentStore(string folder, CapacityBudget capacity, long segmentBytes)
    {
        _folder = folder;
        _capacity = capacity;
        _segmentBytes = segmentBytes;
    }

    /// <inheritdoc/>
    public long BlockCount
    {
        get
        {
            lock (_gate)
            {
                return _index.Count;
            }
        }
    }

    /// <inheritdoc/>
    public long UsedBytes => Interlocked.Read(ref _usedBytes);

    /// <summary>Opens the store in a folder, which is made when it is not there, and reads what is in it.</summary>
    public static SegmentStore Open(string folder, CapacityBudget capacity, long segmentBytes = DefaultSegmentBytes)
    {
        Directory.CreateDirectory(folder);
        var store = new SegmentStore(folder, capacity, segmentBytes);
        store.Load();
        return store;
    }

    /// <inheritdoc/>
    public bool TryGetLength(in BlockDigest digest, out int length)
    {
        lock (_gate)
        {
            var found = _index.TryFind(digest, out var location);
            length = location.Length;
            return found;
        }
    }

    /// <inheritdoc/>
    public bool Holds(in BlockDigest digest) => TryGetLength(digest, out _);

    /// <inheritdoc/>
    public ValueTask ReadAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        Read(blocks, destination, check: true, cancellationToken);

    /// <inheritdoc/>
    public ValueTask ReadUncheckedAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        Read(blocks, destination, check: false, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask WriteAsync(BlockBatch batch, CancellationToken cancellationToken)
    {
        if (HoldsAll(batch.Entries.Span))
        {
            return;
        }

        await _writing.WaitAsync(cancellationToken);
        try
        {
            var segment = SegmentFor(batch);
            var before = segment.Length;
            _capacity.Take(GroupHeader.GroupSize(batch.Length));
            uint offset;
            try
            {
                offset = segment.Append(batch, _header.Memory);
            }
            catch (IOException exception)
            {
                _capacity.Give(GroupHeader.GroupSize(batch.Length));
                throw Posix.IsOutOfSpace(exception)
                    ? new StorageExhaustedException($"There is no room left in {_folder}.", exception)
                    : exception;
            }

            Interlocked.Add(ref _usedBytes, segment.Length - before);
            _dirty.Add(segment);
            AddToIndex(segment.Number, offset, batch.Entries.Span);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        (Segment Segment, long Length)[] work;
        bool withFolder;
        await _writing.WaitAsync(cancellationToken);
        try
        {
            work = [.. _dirty.Select(segment => (segment, segment.Length))];
            withFolder = _folderDirty;
            _dirty.Clear();
            _folderDirty = false;
        }
        finally
        {
            _writing.Release();
        }

        try
        {
            foreach (var (segment, _) in work)
            {
                FlushUnlessFreed(segment);
            }

            if (withFolder)
            {
                Posix.FlushDirectory(_folder);
            }
        }
        catch
        {
            await RedirtyAsync(work, withFolder);
            throw;
        }

        await MarkAsync(work);
    }

    /// <inheritdoc/>
    public async ValueTask<IBlockCollection> BeginCollectionAsync(CancellationToken cancellationToken)
    {
        await _collecting.WaitAsync(cancellationToken);
        try
        {
            return new Collection(this, await CandidatesAsync(cancellationToken));
        }
        catch
        {
            _collecting.Release();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _writing.WaitAsync();
        lock (_gate)
        {
            foreach (var segment in _segments.Values)
            {
                segment.Dispose();
            }

            _segments.Clear();
            ((IDisposable)_header).Dispose();
            _capacity.Give(Interlocked.Exchange(ref _usedBytes, 0));
        }
    }

    private ValueTask Read(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, bool check, CancellationToken cancellationToken)
    {
        var refs = blocks.Span;
        var bytes = destination.Span;
        for (var first = 0; first < refs.Length; )
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (segment, location, count) = FindRun(refs[first..]);
            ReadRun(segment, location.Offset, bytes[..location.Length], refs[first].Digest);
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

    private void Load()
    {
        var numbers = Segment.List(_folder);
        foreach (var number in numbers)
        {
            var segment = Segment.Open(
                _folder,
                number,
                truncate: number == numbers[^1],
                group => AddToIndex(number, group.Offset + GroupHeader.Size, group.Blocks)
            );
            _segments.Add(number, segment);
            _usedBytes += segment.Length;
            _nextNumber = number + 1;
            _current = segment;
            if (segment.NeedsFlush)
            {
                _dirty.Add(segment);
            }
        }

        _capacity.Count(_usedBytes);
    }

    private void AddToIndex(uint segment, uint offset, ReadOnlySpan<BlockRef> blocks)
    {
        lock (_gate)
        {
            foreach (ref readonly var block in blocks)
            {
                _index.TryAdd(block.Digest, new BlockLocation(segment, offset, block.Length));
                offset += (uint)block.Length;
            }
        }
    }

    private bool HoldsAll(ReadOnlySpan<BlockRef> blocks)
    {
        lock (_gate)
        {
            foreach (ref readonly var block in blocks)
            {
                if (!_index.TryFind(block.Digest, out _))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Finds the first block, and how many of those behind it follow it without a gap: they are read in one go.</summary>
    private (Segment Segment, BlockLocation Run, int Count) FindRun(ReadOnlySpan<BlockRef> blocks)
    {
        lock (_gate)
        {
            var run = Find(blocks[0]);
            var count = 1;
            while (
                count < blocks.Length
                && _index.TryFind(blocks[count].Digest, out var next)
                && next.Segment == run.Segment
                && next.Offset == run.Offset + run.Length
                && next.Length == blocks[count].Length
            )
            {
                run = run with { Length = run.Length + next.Length };
                count++;
            }

            return (_segments[run.Segment], run, count);
        }
    }

    private BlockLocation Find(in BlockRef block) =>
        _index.TryFind(block.Digest, out var location) && location.Length == block.Length
            ? location
            : throw new BlockMissingException($"The block {block.Digest} of {block.Length} bytes is not in {_folder}.");

    private static void ReadRun(Segment segment, long offset, Span<byte> destination, in BlockDigest first)
    {
        try
        {
            segment.Read(destination, offset);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BlockCorruptException($"A block in {segment.Path} can't be read ({first}): {exception.Message}", exception);
        }
        catch (ObjectDisposedException)
        {
            // Its segment was freed between the look-up and the read.
            throw new BlockMissingException($"The block {first} is no longer in {segment.Path}.");
        }
    }

    /// <summary>The segment to append to: the current one, or a new one when it is full. Called by the writer only.</summary>
    private Segment SegmentFor(BlockBatch batch)
    {
        if (_current is { IsBroken: false } && _current.Length + GroupHeader.GroupSize(batch.Length) <= _segmentBytes)
        {
            return _current;
        }

        try
        {
            var segment = Segment.Create(_folder, _nextNumber++);
            _folderDirty = true;
            lock (_gate)
            {
                _segments.Add(segment.Number, segment);
            }

            return _current = segment;
        }
        catch (IOException exception) when (Posix.IsOutOfSpace(exception))
        {
            throw new StorageExhaustedException($"There is no room left in {_folder}.", exception);
        }
    }

    private async ValueTask RedirtyAsync((Segment Segment, long Length)[] work, bool withFolder)
    {
        await _writing.WaitAsync();
        _dirty.UnionWith(work.Select(item => item.Segment));
        _folderDirty |= withFolder;
        _writing.Release();
    }

    private static void FlushUnlessFreed(Segment segment)
    {
        try
        {
            segment.Flush();
        }
        catch (ObjectDisposedException)
        {
            // A collection found nothing alive in it meanwhile.
        }
    }

    private async ValueTask MarkAsync((Segment Segment, long Length)[] work)
    {
        await _writing.WaitAsync();
        try
        {
            foreach (var (segment, length) in work)
            {
                if (_segments.ContainsKey(segment.Number))
                {
                    var before = segment.Length;
                    segment.MarkDurable(length, _header.Memory);
                    _capacity.Count(segment.Length - before);
                    Interlocked.Add(ref _usedBytes, segment.Length - before);
                }
            }
        }
        catch (IOException)
        {
            // A full disk may refuse the mark. What it would have told is true all the same; opening the store takes a little longer.
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>The segments as they are now. One that grows while the caller marks is kept.</summary>
    private async ValueTask<Dictionary<uint, long>> CandidatesAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            return _segments.ToDictionary(pair => pair.Key, pair => pair.Value.Length);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async ValueTask<long> DropAsync(Dictionary<uint, long> candidates, Collection live)
    {
        var dropped = new List<Segment>();
        await _writing.WaitAsync();
        try
        {
            lock (_gate)
            {
                TakeOut(candidates, live, dropped);
            }

            foreach (var segment in dropped)
            {
                _dirty.Remove(segment);
                _current = _current == segment ? null : _current;
                File.Delete(segment.Path);
                segment.Dispose();
            }

            if (dropped.Count > 0)
            {
                Posix.FlushDirectory(_folder);
            }
        }
        finally
        {
            _writing.Release();
        }

        var freed = dropped.Sum(segment => segment.Length);
        Interlocked.Add(ref _usedBytes, -freed);
        _capacity.Give(freed);
        return freed;
    }

    private void TakeOut(Dictionary<uint, long> candidates, Collection live, List<Segment> dropped)
    {
        var dead = candidates.Where(pair => _segments[pair.Key].Length == pair.Value).Select(pair => pair.Key).ToHashSet();
        _index.ForEach(
            (slot, location) =>
            {
                if (live.IsMarked(slot))
                {
                    dead.Remove(location.Segment);
                }
            }
        );
        _index.RemoveSegments(dead);
        foreach (var number in dead)
        {
            _segments.Remove(number, out var segment);
            dropped.Add(segment!);
        }
    }

    /// <summary>One bit a block, found by the block's slot in the index.</summary>
    private sealed class Collection(SegmentStore store, Dictionary<uint, long> candidates) : IBlockCollection
    {
        private readonly List<ulong> _bits = [];
        private bool _ended;

        public bool Mark(in BlockDigest digest)
        {
            lock (store._gate)
            {
                if (!store._index.TryFindSlot(digest, out var slot))
                {
                    // Another zone may have it, and what it leads to may well be here.
                    return true;
                }

                while (_bits.Count <= slot / 64)
                {
                    _bits.Add(0);
                }

                ref var word = ref CollectionsMarshal.AsSpan(_bits)[slot / 64];
                var before = word;
                word |= 1UL << (slot % 64);
                return word != before;
            }
        }

        public bool IsMarked(int slot) => slot / 64 < _bits.Count && (_bits[slot / 64] & (1UL << (slot % 64))) != 0;

        public ValueTask<long> FreeAsync() => store.DropAsync(candidates, this);

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
