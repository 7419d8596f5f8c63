using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Formats;
using Gallery.Region.Stores;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Uploads;

/// <summary>
/// Work on the uploads of the node. An upload is opened, its blocks are declared and sent, and it is committed: then its file, read in its format,
/// has become a content of the snapshot store. All that was answered survives a crash, and every step may be repeated.
/// </summary>
internal sealed class UploadManager(
    UploadRegistry uploads,
    StoreSet stores,
    BlockBatchPool pool,
    DiskSizeRules sizes,
    IOptions<RegionOptions> options,
    TimeProvider time
)
{
    private static readonly TimeSpan CountInterval = TimeSpan.FromSeconds(2);
    private readonly RegionStore _store = stores.Snapshots;

    /// <summary>Told of an upload that is being dropped, whether the node has it or not: whoever fills it ends.</summary>
    public event Action<string>? Dropping;

    /// <summary>Opens an upload, or finds the open one.</summary>
    /// <exception cref="RegionException">The size rules it out, or it was opened otherwise.</exception>
    public async Task<UploadRecord> StartAsync(string id, long fileSize, DiskFormat format, CancellationToken cancellationToken)
    {
        sizes.CheckFile(fileSize, format);
        while (true)
        {
            var upload = uploads.GetOrAdd(id, () => NewRecord(id, fileSize, format));
            using (await upload.EnterAsync(cancellationToken))
            {
                if (upload.IsDropped)
                {
                    continue;
                }

                RequireSame(upload.Record, fileSize, format);
                if (upload.Record.Content is null && upload.Map is null)
                {
                    await uploads.OpenAsync(upload, cancellationToken);
                }

                return upload.Record;
            }
        }
    }

    /// <summary>Finds an upload.</summary>
    /// <exception cref="RegionException">There is none.</exception>
    public UploadRecord Get(string id) => uploads.Get(id).Record;

    /// <summary>Counts the blocks that were declared, and those of them that are lacking.</summary>
    public async ValueTask<(long Declared, long Missing)> CountAsync(string id, CancellationToken cancellationToken)
    {
        var upload = uploads.Get(id);
        using (await upload.EnterAsync(cancellationToken))
        {
            return upload.Map is null ? (upload.Record.Content?.DeclaredBlocks ?? 0, 0) : Count(upload.Map);
        }
    }

    /// <summary>Notes which blocks stand where.</summary>
    /// <returns>Positions whose blocks are lacking, each lacking block once.</returns>
    /// <exception cref="RegionException">The upload is committed, or a position lies outside the file.</exception>
    public async Task<List<long>> DeclareAsync(
        string id,
        IReadOnlyCollection<KeyValuePair<long, BlockDigest>> blocks,
        CancellationToken cancellationToken
    )
    {
        var upload = uploads.Get(id);
        using (await _store.Gate.EnterAsync(cancellationToken))
        using (await upload.EnterAsync(cancellationToken))
        {
            var map = RequireOpen(upload);
            var declared = new SortedDictionary<long, BlockDigest>();
            foreach (var (index, digest) in blocks)
            {
                // A block that is all zero is a hole, even if the caller went to the trouble of declaring it.
                declared[index] = digest == ZeroDigest(index, upload.Record.FileSize) ? default : digest;
            }

            map.Declare(declared.ToArray());
            var lacking = new List<long>();
            var named = new HashSet<BlockDigest>();
            foreach (var (index, digest) in declared)
            {
                if (!digest.IsHole && !_store.Blocks.Holds(digest) && named.Add(digest))
                {
                    lacking.Add(index);
                }
            }

            return lacking;
        }
    }

    /// <summary>Tells of some positions from the first on whether a block was declared there and is in place.</summary>
    public async ValueTask<bool[]> InPlaceAsync(string id, long first, int count, CancellationToken cancellationToken)
    {
        var upload = uploads.Get(id);
        using (await upload.EnterAsync(cancellationToken))
        {
            var map = RequireOpen(upload);
            var inPlace = new bool[count];
            for (var i = 0; i < count; i++)
            {
                inPlace[i] = map[first + i] is var digest && !digest.IsHole && _store.Blocks.Holds(digest);
            }

            return inPlace;
        }
    }

    /// <summary>Begins to take in blocks. Several may be under way at once.</summary>
    public UploadWriter OpenWriter(string id)
    {
        var upload = uploads.Get(id);
        return new UploadWriter(upload.Record.FileSize, RequireOpen(upload), _store, pool);
    }

    /// <summary>Begins to take in blocks that are not declared.</summary>
    /// <param name="id">The upload.</param>
    /// <param name="positions">Where they stand in the file.</param>
    /// <param name="checksums">One for each position, or null when they have none.</param>
    /// <returns>The receiver, and the blocks at these positions with these checksums.</returns>
    /// <exception cref="RegionException">The upload is committed, or a position lies outside the file.</exception>
    public (UndeclaredReceiver Receiver, UndeclaredBlock[] Blocks) OpenReceiver(string id, long[] positions, ulong[]? checksums)
    {
        var upload = uploads.Get(id);
        var count = RequireOpen(upload).BlockCount;
        var blocks = new UndeclaredBlock[positions.Length];
        for (var i = 0; i < blocks.Length; i++)
        {
            if (positions[i] < 0 || positions[i] >= count)
            {
                throw OutsideOfFile(positions[i], count);
            }

            blocks[i] = new(positions[i], BlockLayout.LengthOf(positions[i], upload.Record.FileSize), checksums?[i]);
        }

        return (new UndeclaredReceiver(_store.Blocks, pool), blocks);
    }

    /// <summary>Makes what a writer took in durable, and counts it.</summary>
    public async Task FinishWriterAsync(string id, UploadWriter writer, CancellationToken cancellationToken)
    {
        await writer.CompleteAsync(cancellationToken);
        await AddReceivedAsync(uploads.Get(id), writer.NewBytes, cancellationToken);
    }

    /// <summary>Makes what a receiver took in durable, declares it, and counts it.</summary>
    /// <exception cref="RegionException">
    /// A block that was not written, since the store had it, was freed meanwhile: it is declared now, and is to be sent again.
    /// </exception>
    public async Task FinishReceiverAsync(string id, UndeclaredReceiver receiver, CancellationToken cancellationToken)
    {
        await receiver.CompleteAsync(cancellationToken);
        await _store.Blocks.FlushAsync(cancellationToken);
        var lacking = await DeclareAsync(id, receiver.Digests, cancellationToken);
        await AddReceivedAsync(uploads.Get(id), receiver.NewBytes, cancellationToken);
        if (lacking.Count > 0)
        {
            throw new RegionException(
                ErrorReason.UploadIncomplete,
                $"{lacking.Count} of the blocks were freed while they were being sent. Declare them, and send those that are lacking."
            );
        }
    }

    /// <summary>Makes a content of the upload's file.</summary>
    /// <exception cref="RegionException">Blocks are lacking, or the file is not a disk of its format.</exception>
    public async Task<UploadRecord> CommitAsync(string id, CancellationToken cancellationToken)
    {
        var upload = uploads.Get(id);
        using (await _store.Gate.EnterAsync(cancellationToken))
        using (await upload.EnterAsync(cancellationToken))
        {
            if (upload.Record.Content is not null)
            {
                return upload.Record;
            }

            var map = RequireOpen(upload);
            var (declared, missing) = Count(map);
            if (missing > 0)
            {
                throw new RegionException(ErrorReason.UploadIncomplete, $"{missing} of {declared} declared blocks were not uploaded.")
                {
                    Details = new Dictionary<string, string> { ["missing_blocks"] = $"{missing}" },
                };
            }

            var content = await new UploadCommit(_store, pool, sizes).RunAsync(upload.Record, map, declared, cancellationToken);
            await uploads.CommitAsync(upload, content, cancellationToken);
            return upload.Record;
        }
    }

    /// <summary>Drops an upload and the content made from it; no error when there is none.</summary>
    /// <returns>True when there was one.</returns>
    public async Task<bool> DeleteAsync(string id, CancellationToken cancellationToken)
    {
        Dropping?.Invoke(id);
        if (uploads.TryFind(id) is not { } upload)
        {
            return false;
        }

        using (await upload.EnterAsync(cancellationToken))
        {
            await uploads.DeleteAsync(upload, cancellationToken);
        }

        return true;
    }

    /// <summary>Drops uploads that were not committed in time.</summary>
    /// <returns>How many.</returns>
    public async Task<int> DropExpiredAsync(CancellationToken cancellationToken)
    {
        var dropped = 0;
        foreach (var record in uploads.Records.Where(record => record.Content is null && record.ExpireTime <= time.GetUtcNow()))
        {
            dropped += await DeleteAsync(record.Id, cancellationToken) ? 1 : 0;
        }

        return dropped;
    }

    private static void RequireSame(UploadRecord record, long fileSize, DiskFormat format)
    {
        if (record.FileSize != fileSize || record.Format != format)
        {
            var size = record.FileSize != fileSize;
            throw new RegionException(
                ErrorReason.PropertyChangeNotAllowed,
                $"The upload was opened for a {DiskFormatReader.NameOf(record.Format)} of {record.FileSize} bytes."
            )
            {
                Details = new Dictionary<string, string>
                {
                    ["target"] = size ? "file_size_bytes" : "format",
                    ["current"] = size ? $"{record.FileSize}" : $"{record.Format}",
                    ["requested"] = size ? $"{fileSize}" : $"{format}",
                },
            };
        }
    }

    private static BlockDigest ZeroDigest(long index, long fileSize) => ZeroBlocks.DigestOf(BlockLayout.LengthOf(index, fileSize));

    private static BlockMap RequireOpen(OpenUpload upload) =>
        upload.IsDropped
            ? throw UploadRegistry.NotFound(upload.Record.Id)
            : upload.Map
                ?? throw new RegionException(
                    ErrorReason.SourceNotUsable,
                    $"The upload {upload.Record.Id} is committed; nothing can be added to it."
                );

    /// <summary>The refusal of a position.</summary>
    public static RegionException OutsideOfFile(long index, long count) =>
        new(ErrorReason.InvalidParameter, $"Block {index} lies outside the file of {count} blocks.");

    private (long Declared, long Missing) Count(BlockMap map)
    {
        long declared = 0;
        long missing = 0;
        foreach (var (_, digest) in map.Declared())
        {
            declared++;
            missing += _store.Blocks.Holds(digest) ? 0 : 1;
        }

        return (declared, missing);
    }

    private async Task AddReceivedAsync(OpenUpload upload, long newBytes, CancellationToken cancellationToken)
    {
        using (await upload.EnterAsync(cancellationToken))
        {
            // Only a count: written down now and then, and with the commit. Each time it were costs more than a batch of blocks does.
            upload.Record = upload.Record with
            {
                ReceivedBytes = upload.Record.ReceivedBytes + newBytes,
            };
            if (upload.SinceSaved(time) > CountInterval)
            {
                await uploads.SaveAsync(upload, upload.Record, cancellationToken);
            }
        }
    }

    private UploadRecord NewRecord(string id, long fileSize, DiskFormat format)
    {
        var now = time.GetUtcNow();
        return new UploadRecord
        {
            Id = id,
            FileSize = fileSize,
            Format = format,
            CreateTime = now,
            ExpireTime = now + options.Value.UploadLifetime,
        };
    }
}
