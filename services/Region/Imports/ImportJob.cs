using System.Buffers;
using System.Runtime.CompilerServices;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Uploads;

namespace Gallery.Region.Imports;

/// <summary>
/// One run of an import: opens the source, and takes over what of it is not in place yet, chunk by chunk, several at the same time. A chunk
/// counts as done when its blocks are durable and declared.
/// </summary>
/// <param name="start">What is known from earlier runs.</param>
/// <param name="uploads">Where to.</param>
/// <param name="save">Keeps a record; what it was given last is what the next run begins with.</param>
/// <param name="progress">Told of the bytes of the file that are in place.</param>
internal sealed class ImportJob(ImportRecord start, UploadManager uploads, Func<ImportRecord, Task> save, Action<long> progress)
    : IDisposable
{
    private const int BlocksPerChunk = ImportRecord.ChunkBytes / BlockLayout.BlockSize;
    private const int ChunksPerSave = 8;

    private readonly SemaphoreSlim _saving = new(1, 1);
    private ImportRecord _record = start;
    private long _done;
    private int _unsaved;

    /// <summary>Runs until all is in place.</summary>
    /// <param name="open">Opens the source.</param>
    /// <param name="requests">Chunks that are fetched at the same time.</param>
    /// <param name="cancellationToken">Ends it; what is in place stays.</param>
    /// <exception cref="RegionException">It can't be done, or the node has no room.</exception>
    /// <exception cref="SourceAwayException">The source does not answer.</exception>
    public async Task RunAsync(Func<CancellationToken, Task<IImportSource>> open, int requests, CancellationToken cancellationToken)
    {
        var isFirst = _record.Version.Length == 0;
        await using var source = await open(cancellationToken);
        if (!isFirst && source.Version != _record.Version)
        {
            throw ImportErrors.NotUsable($"{_record.Address} has changed since the import began. Delete the snapshot and import it again.");
        }

        await uploads.StartAsync(_record.Id, source.Length, _record.Format, cancellationToken);
        var chunks = (source.Length + ImportRecord.ChunkBytes - 1) / ImportRecord.ChunkBytes;
        var done = new byte[(chunks + 7) / 8];
        _record.Done.AsSpan(0, Math.Min(done.Length, _record.Done.Length)).CopyTo(done);
        _record = _record with { Version = source.Version, FileSize = source.Length, Done = done, Details = "" };
        await save(_record);
        try
        {
            await Parallel.ForEachAsync(
                ChunksToFetchAsync(source, cancellationToken),
                new ParallelOptions { MaxDegreeOfParallelism = requests, CancellationToken = cancellationToken },
                async (chunk, token) => await TakeAsync(source, chunk, skipInPlace: !isFirst, token)
            );
        }
        finally
        {
            await save(_record);
        }

        _record = _record with { HasArrived = true };
        await save(_record);
    }

    /// <inheritdoc/>
    public void Dispose() => _saving.Dispose();

    /// <summary>Chunks with data that are not in place, in ascending order.</summary>
    private async IAsyncEnumerable<long> ChunksToFetchAsync(
        IImportSource source,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        for (long at = 0; at < source.Length; )
        {
            var run = await source.NextDataAsync(at, cancellationToken);
            var chunk = (run.Length == 0 ? source.Length : run.Offset) / ImportRecord.ChunkBytes;
            var start = run.Length == 0 ? source.Length : chunk * ImportRecord.ChunkBytes;
            Advance(start - at);
            if (run.Length == 0)
            {
                yield break;
            }

            at = start + LengthOf(chunk, source);
            if (_record.IsDone(chunk))
            {
                Advance(at - start);
            }
            else
            {
                yield return chunk;
            }
        }
    }

    private async Task TakeAsync(IImportSource source, long chunk, bool skipInPlace, CancellationToken cancellationToken)
    {
        var length = LengthOf(chunk, source);
        var first = chunk * BlocksPerChunk;
        var inPlace = new bool[(int)BlockLayout.CountOf(length)];
        if (skipInPlace)
        {
            inPlace = await uploads.InPlaceAsync(_record.Id, first, inPlace.Length, cancellationToken);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(ImportRecord.ChunkBytes);
        try
        {
            var bytes = buffer.AsMemory(0, length);
            var fetched = await FetchAsync(source, chunk * ImportRecord.ChunkBytes, bytes, inPlace, cancellationToken);
            await KeepAsync(first, bytes, inPlace, cancellationToken);
            await FinishAsync(chunk, fetched, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        Advance(length);
    }

    /// <summary>Reads the blocks that are not in place; those that the source knows to be holes are zeros.</summary>
    private static async Task<long> FetchAsync(
        IImportSource source,
        long start,
        Memory<byte> bytes,
        bool[] inPlace,
        CancellationToken cancellationToken
    )
    {
        bytes.Span.Clear();
        long fetched = 0;
        for (var i = 0; i < inPlace.Length; i++)
        {
            var from = i;
            while (i < inPlace.Length && !inPlace[i])
            {
                i++;
            }

            var (at, end) = ((long)from * BlockLayout.BlockSize, Math.Min(bytes.Length, (long)i * BlockLayout.BlockSize));
            while (at < end)
            {
                var run = await source.NextDataAsync(start + at, cancellationToken);
                at = run.Offset - start;
                if (run.Length == 0 || at >= end)
                {
                    break;
                }

                var count = (int)Math.Min(run.Length, end - at);
                var read = await source.ReadAsync(run.Offset, bytes.Slice((int)at, count), cancellationToken);
                fetched += read;
                // Nothing at all would be the end of the file, which is not within it.
                at += read > 0 ? read : throw new SourceAwayException("The source ends before its length.");
            }
        }

        return fetched;
    }

    private async Task KeepAsync(long first, ReadOnlyMemory<byte> bytes, bool[] inPlace, CancellationToken cancellationToken)
    {
        var positions = Enumerable
            .Range(0, inPlace.Length)
            .Where(i => !inPlace[i] && !BlockLayout.IsZero(BlockAt(bytes, i).Span))
            .Select(i => first + i)
            .ToArray();
        if (positions.Length == 0)
        {
            return;
        }

        try
        {
            await WriteAsync(first, bytes, positions, cancellationToken);
        }
        catch (RegionException exception) when (exception.Reason == ErrorReason.UploadIncomplete)
        {
            // Some were there, and were freed before they were declared. Now they are declared.
            await WriteAsync(first, bytes, positions, cancellationToken);
        }
    }

    private async Task WriteAsync(long first, ReadOnlyMemory<byte> bytes, long[] positions, CancellationToken cancellationToken)
    {
        var (receiver, blocks) = uploads.OpenReceiver(_record.Id, positions, checksums: null);
        await using (receiver)
        {
            for (var left = blocks.AsMemory(); left.Length > 0; )
            {
                var (count, place) = await receiver.ReserveAsync(left, cancellationToken);
                foreach (var block in left.Span[..count])
                {
                    BlockAt(bytes, (int)(block.Position - first)).CopyTo(place);
                    place = place[block.Length..];
                }

                left = left[count..];
            }

            await uploads.FinishReceiverAsync(_record.Id, receiver, cancellationToken);
        }
    }

    private async Task FinishAsync(long chunk, long fetched, CancellationToken cancellationToken)
    {
        await _saving.WaitAsync(cancellationToken);
        try
        {
            var done = (byte[])_record.Done.Clone();
            done[chunk / 8] |= (byte)(1 << (int)(chunk % 8));
            _record = _record with { Done = done, FetchedBytes = _record.FetchedBytes + fetched };
            if (++_unsaved >= ChunksPerSave)
            {
                _unsaved = 0;
                await save(_record);
            }
        }
        finally
        {
            _saving.Release();
        }
    }

    private void Advance(long bytes) => progress(Interlocked.Add(ref _done, bytes));

    private static int LengthOf(long chunk, IImportSource source) =>
        (int)Math.Min(ImportRecord.ChunkBytes, source.Length - (chunk * ImportRecord.ChunkBytes));

    private static ReadOnlyMemory<byte> BlockAt(ReadOnlyMemory<byte> bytes, int i) =>
        bytes.Slice(i * BlockLayout.BlockSize, Math.Min(BlockLayout.BlockSize, bytes.Length - (i * BlockLayout.BlockSize)));
}
