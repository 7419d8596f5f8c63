using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;

namespace Gallery.Region.Stores.Segments;

/// <summary>What an append does about blocks that are known already.</summary>
internal enum AppendMode
{
    /// <summary>The known copies stay; a batch of which all blocks are known is not written.</summary>
    Add,

    /// <summary>The new copies take the place of the known ones.</summary>
    Replace,

    /// <summary>Nothing is made known: the caller does it once the copies are durable. May exceed the capacity, since it is to give room back.</summary>
    Copy,
}

/// <summary>
/// The writing side of a store: appends batches to the newest segment, begins new ones, makes them durable and deletes them. One writer at a
/// time; appends are short.
/// </summary>
internal sealed class SegmentLog : IAsyncDisposable
{
    private readonly string _folder;
    private readonly CapacityBudget _capacity;
    private readonly long _segmentBytes;
    private readonly SegmentTable _table;
    private readonly Action<Segment> _flush;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SemaphoreSlim _flushing = new(1, 1);
    private readonly HashSet<Segment> _dirty = [];
    private readonly AlignedMemory _header = new(GroupHeader.Size);
    private Segment? _current;
    private uint _nextNumber = 1;
    private bool _folderDirty;
    private bool _closed;
    private long _usedBytes;

    /// <summary>Opens the segments of a folder and makes known what is in them.</summary>
    /// <param name="folder">Where they lie.</param>
    /// <param name="capacity">Where room is taken from.</param>
    /// <param name="segmentBytes">Size at which a segment is full.</param>
    /// <param name="table">Told what lies where.</param>
    /// <param name="flush">Makes a segment durable, or throws <see cref="IOException"/>; its own way when null.</param>
    public SegmentLog(string folder, CapacityBudget capacity, long segmentBytes, SegmentTable table, Action<Segment>? flush = null)
    {
        _flush = flush ?? (segment => segment.Flush());
        _folder = folder;
        _capacity = capacity;
        _segmentBytes = segmentBytes;
        _table = table;
        try
        {
            Load();
        }
        catch
        {
            Close();
            throw;
        }
    }

    /// <summary>Bytes of the segment files.</summary>
    public long UsedBytes => Interlocked.Read(ref _usedBytes);

    /// <summary>Appends a batch.</summary>
    /// <returns>Where its first block lies; null when nothing was written.</returns>
    /// <exception cref="StorageExhaustedException">There is no room; nothing of it is left.</exception>
    public async ValueTask<(uint Segment, uint Offset)?> AppendAsync(BlockBatch batch, AppendMode mode, CancellationToken cancellationToken)
    {
        using var turn = await EnterAsync(cancellationToken);
        if (mode == AppendMode.Add && _table.HoldsAll(batch.Entries.Span))
        {
            return null;
        }

        var segment = SegmentFor(batch);
        var before = segment.Length;
        var taken = GroupHeader.GroupSize(batch.Length);
        Take(taken, mode);
        uint offset;
        try
        {
            offset = segment.Append(batch, _header.Memory);
        }
        catch (IOException exception)
        {
            _capacity.Give(taken);
            throw Translate(exception);
        }

        Interlocked.Add(ref _usedBytes, segment.Length - before);
        _dirty.Add(segment);
        if (mode != AppendMode.Copy)
        {
            _table.Add(segment.Number, offset, batch.Entries.Span, replace: mode == AppendMode.Replace);
        }

        return (segment.Number, offset);
    }

    /// <summary>
    /// Makes everything durable that was appended before the call. Where the system can't, it tells so but once and knows nothing of it the next
    /// time: so what may be lost with that is forgotten, and nothing is appended to its segment any more. Whoever relies on a block looks
    /// afterwards whether it is still there.
    /// </summary>
    /// <exception cref="RegionException">Something may be lost.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        // One after the other: what another flush is at work on is not durable before that one is done. Who waits takes along what came meanwhile.
        await _flushing.WaitAsync(cancellationToken);
        try
        {
            await FlushDirtyAsync(cancellationToken);
        }
        finally
        {
            _flushing.Release();
        }
    }

    /// <summary>The segments and their lengths as they are now.</summary>
    public async ValueTask<Dictionary<Segment, long>> LengthsAsync(CancellationToken cancellationToken)
    {
        using var turn = await EnterAsync(cancellationToken);
        return _table.Segments.ToDictionary(segment => segment, segment => segment.Length);
    }

    /// <summary>
    /// Deletes the segments that hold nothing alive.
    /// </summary>
    /// <param name="candidates">The segments and their lengths when the marking began; those that grew since are kept.</param>
    /// <param name="marks">What is alive.</param>
    /// <returns>Bytes freed, and the numbers of the segments that are worth rewriting.</returns>
    public async ValueTask<(long Freed, List<uint> Thin)> SweepAsync(Dictionary<Segment, long> candidates, SegmentMarks marks)
    {
        using var turn = await EnterAsync(CancellationToken.None);
        var unchanged = candidates.Where(pair => pair.Key.Length == pair.Value && _table.Find(pair.Key.Number) == pair.Key);
        var (dead, thin) = _table.Sweep([.. unchanged.Select(pair => pair.Key)], marks);
        return (Delete(dead), thin);
    }

    /// <summary>Sees to it that nothing is appended to a segment any more.</summary>
    /// <returns>The segment; null when it is gone.</returns>
    public async ValueTask<Segment?> SealAsync(uint number, CancellationToken cancellationToken)
    {
        using var turn = await EnterAsync(cancellationToken);
        var segment = _table.Find(number);
        _current = _current == segment ? null : _current;
        return segment;
    }

    /// <summary>Deletes a sealed segment, unless a block lies in it.</summary>
    /// <returns>Bytes freed.</returns>
    public async ValueTask<long> DeleteAsync(Segment segment, CancellationToken cancellationToken)
    {
        using var turn = await EnterAsync(cancellationToken);
        return _current != segment && _table.Find(segment.Number) == segment && _table.TryRemove(segment.Number) ? Delete([segment]) : 0;
    }

    /// <summary>Ends all writing and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        await _writing.WaitAsync();
        Close();
        _writing.Release();
    }

    private void Close()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        foreach (var segment in _table.Segments)
        {
            segment.Dispose();
        }

        _table.Clear();
        ((IDisposable)_header).Dispose();
        _capacity.Give(Interlocked.Exchange(ref _usedBytes, 0));
    }

    private void Load()
    {
        var numbers = Segment.List(_folder);
        foreach (var number in numbers)
        {
            // Of two copies the newer one counts: it was made to take the older one's place.
            var segment = Segment.Open(
                _folder,
                number,
                truncate: number == numbers[^1],
                group => _table.Add(number, group.Offset + GroupHeader.Size, group.Blocks, replace: true)
            );
            _table.Add(segment);
            _usedBytes += segment.Length;
            _capacity.Count(segment.Length);
            _nextNumber = number + 1;
            _current = segment;
            if (segment.NeedsFlush)
            {
                _dirty.Add(segment);
            }
        }
    }

    private async ValueTask<Turn> EnterAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        if (_closed)
        {
            _writing.Release();
            throw new RegionException(ErrorReason.RegionUnavailable, $"The store in {_folder} is closed.");
        }

        return new Turn(_writing);
    }

    private void Take(long bytes, AppendMode mode)
    {
        if (mode == AppendMode.Copy)
        {
            _capacity.Count(bytes);
        }
        else
        {
            _capacity.Take(bytes);
        }
    }

    /// <summary>The segment to append to: the current one, or a new one when it is full.</summary>
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
            _table.Add(segment);
            return _current = segment;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Translate(exception);
        }
    }

    private RegionException Translate(Exception exception) =>
        exception is IOException failure && Posix.IsOutOfSpace(failure)
            ? new StorageExhaustedException($"There is no room left in {_folder}.", exception)
            : new RegionException(ErrorReason.RegionUnavailable, $"The store in {_folder} fails: {exception.Message}", exception);

    private void FlushUnlessFreed(Segment segment)
    {
        try
        {
            _flush(segment);
        }
        catch (ObjectDisposedException)
        {
            // A collection found nothing alive in it meanwhile.
        }
    }

    private async ValueTask FlushDirtyAsync(CancellationToken cancellationToken)
    {
        (Segment Segment, long Length)[] work;
        bool withFolder;
        using (await EnterAsync(cancellationToken))
        {
            work = [.. _dirty.Select(segment => (segment, segment.Length))];
            withFolder = _folderDirty;
            _dirty.Clear();
            _folderDirty = false;
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
        catch (IOException exception)
        {
            await GiveUpAsync(work.Select(item => item.Segment), withFolder);
            throw Translate(exception);
        }

        await MarkAsync(work);
    }

    private async ValueTask GiveUpAsync(IEnumerable<Segment> segments, bool withFolder)
    {
        using var turn = await EnterAsync(CancellationToken.None);
        // A segment that was made and not yet written to still needs its entry.
        _folderDirty |= withFolder;
        foreach (var segment in segments)
        {
            segment.Seal();
            _dirty.Remove(segment);
            _table.ForgetBehind(segment.Number, segment.DurableLength);
        }
    }

    private async ValueTask MarkAsync((Segment Segment, long Length)[] work)
    {
        using var turn = await EnterAsync(CancellationToken.None);
        try
        {
            foreach (var (segment, length) in work)
            {
                if (_table.Find(segment.Number) == segment)
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
    }

    /// <summary>Deletes the files of segments that are out of the table. Who reads in one at this moment looks the block up again.</summary>
    private long Delete(List<Segment> segments)
    {
        foreach (var segment in segments)
        {
            _dirty.Remove(segment);
            _current = _current == segment ? null : _current;
            File.Delete(segment.Path);
            segment.Dispose();
        }

        if (segments.Count > 0)
        {
            Posix.FlushDirectory(_folder);
        }

        var freed = segments.Sum(segment => segment.Length);
        Interlocked.Add(ref _usedBytes, -freed);
        _capacity.Give(freed);
        return freed;
    }

    private readonly struct Turn(SemaphoreSlim writing) : IDisposable
    {
        public void Dispose() => writing.Release();
    }
}
