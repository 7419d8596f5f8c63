using System.Collections.Concurrent;
using System.Text.Json;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Content;
using Gallery.Region.Formats;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Uploads;

/// <summary>
/// Uploads of the node. An upload is opened, its blocks are declared and sent, and it is committed: then its file, read in its format, has
/// become a content of the snapshot store. All that was answered survives a crash, and every step may be repeated.
/// </summary>
internal sealed partial class UploadManager(
    StoreSet stores,
    BlockBatchPool pool,
    DiskSizeRules sizes,
    HeldContents held,
    IOptions<RegionOptions> options,
    TimeProvider time,
    ILogger<UploadManager> logger
) : IDisposable
{
    private const string Kind = "uploads";
    private static readonly TimeSpan CountInterval = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, OpenUpload> _uploads = new(StringComparer.Ordinal);
    private readonly RegionStore _store = stores.Snapshots;
    private readonly HashSet<string> _unreadable = [];
    private volatile bool _loaded;

    /// <summary>Told of an upload that is being dropped, whether the node has it or not: whoever fills it ends.</summary>
    public event Action<string>? Dropping;

    /// <summary>The uploads that the node has.</summary>
    public IEnumerable<UploadRecord> Records => _uploads.Values.Select(upload => upload.Record);

    /// <summary>Reads back what the node had when it stopped, or what came back with its zone.</summary>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        _loaded = false;
        if (_store.Failure.Length > 0)
        {
            return;
        }

        _unreadable.Clear();
        foreach (var id in await _store.Records.ListAsync(Kind, cancellationToken))
        {
            if (_uploads.ContainsKey(id))
            {
                continue;
            }

            try
            {
                if (await _store.Records.TryGetAsync(Kind, id, cancellationToken) is { } bytes)
                {
                    var record = JsonSerializer.Deserialize(bytes, UploadJson.Default.UploadRecord)!;
                    if (record.Content is null && !File.Exists(MapPath(id)))
                    {
                        // Nobody knows any more which block stood where: taken up again as if nothing was declared, it would become a disk
                        // of zeros. Its sender begins anew.
                        await _store.Records.DeleteAsync(Kind, id, cancellationToken);
                        LogMapLost(id);
                        continue;
                    }

                    _uploads[id] = new OpenUpload(record, record.Content is null ? OpenMap(record) : null);
                    Hold(record);
                }
            }
            catch (Exception exception) when (exception is RegionException or JsonException or IOException)
            {
                _unreadable.Add(id);
                LogUnreadable(exception, id);
            }
        }

        _loaded = true;
    }

    /// <summary>Opens an upload, or finds the open one.</summary>
    /// <exception cref="RegionException">The size rules it out, or it was opened otherwise.</exception>
    public async Task<UploadRecord> StartAsync(string id, long fileSize, DiskFormat format, CancellationToken cancellationToken)
    {
        sizes.CheckFile(fileSize, format);
        while (true)
        {
            var upload = _uploads.GetOrAdd(id, _ => new OpenUpload(NewRecord(id, fileSize, format), map: null));
            using (await upload.EnterAsync(cancellationToken))
            {
                if (upload.IsDropped)
                {
                    continue;
                }

                RequireSame(upload.Record, fileSize, format);
                if (upload.Record.Content is null && upload.Map is null)
                {
                    await SaveAsync(upload, upload.Record, cancellationToken);
                    upload.Map = OpenMap(upload.Record);
                }

                return upload.Record;
            }
        }
    }

    /// <summary>Finds an upload.</summary>
    /// <exception cref="RegionException">There is none.</exception>
    public UploadRecord Get(string id) => Find(id).Record;

    /// <summary>Finds a committed upload; null when there is none, or it is not committed.</summary>
    public UploadedContent? ContentOf(string id) => _uploads.TryGetValue(id, out var upload) ? upload.Record.Content : null;

    /// <summary>Counts the blocks that were declared, and those of them that are lacking.</summary>
    public async ValueTask<(long Declared, long Missing)> CountAsync(string id, CancellationToken cancellationToken)
    {
        var upload = Find(id);
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
        var upload = Find(id);
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
        var upload = Find(id);
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
        var upload = Find(id);
        return new UploadWriter(upload.Record.FileSize, RequireOpen(upload), _store, pool);
    }

    /// <summary>Begins to take in blocks that are not declared.</summary>
    /// <returns>The receiver, and the blocks at these positions with these checksums.</returns>
    /// <exception cref="RegionException">The upload is committed, or a position lies outside the file.</exception>
    public (UndeclaredReceiver Receiver, UndeclaredBlock[] Blocks) OpenReceiver(string id, long[] positions, ulong[] checksums)
    {
        var upload = Find(id);
        var count = RequireOpen(upload).BlockCount;
        var blocks = new UndeclaredBlock[positions.Length];
        for (var i = 0; i < blocks.Length; i++)
        {
            if (positions[i] < 0 || positions[i] >= count)
            {
                throw OutsideOfFile(positions[i], count);
            }

            blocks[i] = new(positions[i], BlockLayout.LengthOf(positions[i], upload.Record.FileSize), checksums[i]);
        }

        return (new UndeclaredReceiver(_store.Blocks, pool), blocks);
    }

    /// <summary>Makes what a writer took in durable, and counts it.</summary>
    public async Task FinishWriterAsync(string id, UploadWriter writer, CancellationToken cancellationToken)
    {
        await writer.CompleteAsync(cancellationToken);
        await AddReceivedAsync(Find(id), writer.NewBytes, cancellationToken);
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
        await AddReceivedAsync(Find(id), receiver.NewBytes, cancellationToken);
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
        var upload = Find(id);
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
            await SaveAsync(upload, upload.Record with { Content = content }, cancellationToken);
            Hold(upload.Record);
            upload.Map = null;
            map.Dispose();
            File.Delete(MapPath(id));
            return upload.Record;
        }
    }

    /// <summary>Drops an upload and the content made from it; no error when there is none.</summary>
    /// <returns>True when there was one.</returns>
    public async Task<bool> DeleteAsync(string id, CancellationToken cancellationToken)
    {
        Dropping?.Invoke(id);
        if (!_uploads.TryGetValue(id, out var upload))
        {
            return false;
        }

        using (await upload.EnterAsync(cancellationToken))
        {
            await _store.Records.DeleteAsync(Kind, id, cancellationToken);
            upload.Map?.Dispose();
            File.Delete(MapPath(id));
            upload.IsDropped = true;
            if (upload.Record.Content is { } content)
            {
                held.Remove(content.Content, HolderOf(id));
            }

            _uploads.TryRemove(id, out _);
        }

        return true;
    }

    /// <summary>Drops uploads that were not committed in time.</summary>
    /// <returns>How many.</returns>
    public async Task<int> DropExpiredAsync(CancellationToken cancellationToken)
    {
        var dropped = 0;
        foreach (var record in Records.Where(record => record.Content is null && record.ExpireTime <= time.GetUtcNow()))
        {
            dropped += await DeleteAsync(record.Id, cancellationToken) ? 1 : 0;
        }

        return dropped;
    }

    /// <summary>Marks all blocks that uploads need.</summary>
    public async ValueTask MarkAsync(ILiveBlocks live, CancellationToken cancellationToken)
    {
        if (!_loaded || _unreadable.Count > 0)
        {
            throw new RegionException(ErrorReason.ContentCorrupt, "An upload's record can't be read: nobody knows which blocks it needs.");
        }

        foreach (var upload in _uploads.Values)
        {
            // The caller is inside the gate already. Whoever takes an upload's turn as well takes it after the gate, so nobody waits in a ring.
            using var turn = await upload.EnterAsync(cancellationToken);
            if (upload.Record.Content is { } content)
            {
                await ManifestMarker.MarkAsync(_store, content.Content, complete: true, live, cancellationToken);
            }
            else if (upload.Map is { } map)
            {
                foreach (var (_, block) in map.Declared())
                {
                    live.Mark(block);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var upload in _uploads.Values)
        {
            upload.Dispose();
        }
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

    private static string HolderOf(string id) => "upload/" + id;

    private static BlockDigest ZeroDigest(long index, long fileSize) => ZeroBlocks.DigestOf(BlockLayout.LengthOf(index, fileSize));

    private static BlockMap RequireOpen(OpenUpload upload) =>
        upload.IsDropped
            ? throw NotFound(upload.Record.Id)
            : upload.Map
                ?? throw new RegionException(
                    ErrorReason.SourceNotUsable,
                    $"The upload {upload.Record.Id} is committed; nothing can be added to it."
                );

    /// <summary>The refusal of a position.</summary>
    public static RegionException OutsideOfFile(long index, long count) =>
        new(ErrorReason.InvalidParameter, $"Block {index} lies outside the file of {count} blocks.");

    private static RegionException NotFound(string id) => new(ErrorReason.ResourceNotFound, $"There is no upload {id} on this node.");

    private void Hold(UploadRecord record)
    {
        if (record.Content is { } content)
        {
            held.Add(content.Content, HolderOf(record.Id), _store);
        }
    }

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
                await SaveAsync(upload, upload.Record, cancellationToken);
            }
        }
    }

    private OpenUpload Find(string id) =>
        _uploads.TryGetValue(id, out var upload) && (upload.Map is not null || upload.Record.Content is not null)
            ? upload
            : throw NotFound(id);

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

    private string MapPath(string id) => Path.Combine(stores.FolderOf(StoreName.Snapshots), Kind, id + ".map");

    private BlockMap OpenMap(UploadRecord record) => BlockMap.Open(MapPath(record.Id), BlockLayout.CountOf(record.FileSize));

    private async Task SaveAsync(OpenUpload upload, UploadRecord record, CancellationToken cancellationToken)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(record, UploadJson.Default.UploadRecord);
        await _store.Records.PutAsync(Kind, record.Id, bytes, cancellationToken);
        upload.Record = record;
        upload.SavedAt = time.GetTimestamp();
    }

    [LoggerMessage(
        1,
        LogLevel.Error,
        "The record of upload {Upload} can't be read; nothing of the snapshot store is freed until it is mended or removed"
    )]
    private partial void LogUnreadable(Exception exception, string upload);

    [LoggerMessage(2, LogLevel.Warning, "The list of blocks of upload {Upload} is gone with the disk it was on; the upload is dropped")]
    private partial void LogMapLost(string upload);
}
