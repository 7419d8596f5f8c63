using System.Collections.Concurrent;
using System.Text.Json;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Content;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;

namespace Gallery.Region.Uploads;

/// <summary>The uploads that the node has: their records and the lists of their blocks, on disk and in memory.</summary>
internal sealed partial class UploadRegistry(StoreSet stores, HeldContents held, TimeProvider time, ILogger<UploadRegistry> logger)
    : IDisposable
{
    private const string Kind = "uploads";
    private readonly ConcurrentDictionary<string, OpenUpload> _uploads = new(StringComparer.Ordinal);
    private readonly RegionStore _store = stores.Snapshots;
    private readonly HashSet<string> _unreadable = [];
    private volatile bool _loaded;

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
            try
            {
                if (!_uploads.ContainsKey(id))
                {
                    await LoadAsync(id, cancellationToken);
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

    /// <summary>Finds an upload, or takes in a new one, of which nothing is written down yet.</summary>
    public OpenUpload GetOrAdd(string id, Func<UploadRecord> create) => _uploads.GetOrAdd(id, _ => new OpenUpload(create(), map: null));

    /// <summary>Finds an upload.</summary>
    /// <exception cref="RegionException">There is none.</exception>
    public OpenUpload Get(string id) =>
        TryFind(id) is { } upload && (upload.Map is not null || upload.Record.Content is not null) ? upload : throw NotFound(id);

    /// <summary>Finds an upload; null when there is none.</summary>
    public OpenUpload? TryFind(string id) => _uploads.GetValueOrDefault(id);

    /// <summary>Finds a committed upload; null when there is none, or it is not committed.</summary>
    public UploadedContent? ContentOf(string id) => TryFind(id)?.Record.Content;

    /// <summary>The refusal of an upload that is not there.</summary>
    public static RegionException NotFound(string id) => new(ErrorReason.ResourceNotFound, $"There is no upload {id} on this node.");

    /// <summary>Writes the record of an upload that is new, and makes the list of its blocks. For the upload's turn.</summary>
    public async Task OpenAsync(OpenUpload upload, CancellationToken cancellationToken)
    {
        await SaveAsync(upload, upload.Record, cancellationToken);
        upload.Map = OpenMap(upload.Record);
    }

    /// <summary>Replaces the record of an upload; durable on return. For the upload's turn.</summary>
    public async Task SaveAsync(OpenUpload upload, UploadRecord record, CancellationToken cancellationToken)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(record, UploadJson.Default.UploadRecord);
        await _store.Records.PutAsync(Kind, record.Id, bytes, cancellationToken);
        upload.Record = record;
        upload.SavedAt = time.GetTimestamp();
    }

    /// <summary>Notes which content was made of an upload. The list of its blocks is not needed any more. For the upload's turn.</summary>
    public async Task CommitAsync(OpenUpload upload, UploadedContent content, CancellationToken cancellationToken)
    {
        await SaveAsync(upload, upload.Record with { Content = content }, cancellationToken);
        Hold(upload.Record);
        CloseMap(upload);
    }

    /// <summary>Forgets an upload for good. For the upload's turn.</summary>
    public async Task DeleteAsync(OpenUpload upload, CancellationToken cancellationToken)
    {
        var id = upload.Record.Id;
        await _store.Records.DeleteAsync(Kind, id, cancellationToken);
        CloseMap(upload);
        upload.IsDropped = true;
        if (upload.Record.Content is { } content)
        {
            held.Remove(content.Content, HolderOf(id));
        }

        _uploads.TryRemove(id, out _);
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

    private async Task LoadAsync(string id, CancellationToken cancellationToken)
    {
        if (await _store.Records.TryGetAsync(Kind, id, cancellationToken) is not { } bytes)
        {
            return;
        }

        var record = JsonSerializer.Deserialize(bytes, UploadJson.Default.UploadRecord)!;
        if (record.Content is null && !File.Exists(MapPath(id)))
        {
            // Nobody knows any more which block stood where: taken up again as if nothing was declared, it would become a disk of zeros. Its
            // sender begins anew.
            await _store.Records.DeleteAsync(Kind, id, cancellationToken);
            LogMapLost(id);
            return;
        }

        _uploads[id] = new OpenUpload(record, record.Content is null ? OpenMap(record) : null);
        Hold(record);
    }

    private static string HolderOf(string id) => "upload/" + id;

    private void Hold(UploadRecord record)
    {
        if (record.Content is { } content)
        {
            held.Add(content.Content, HolderOf(record.Id), _store);
        }
    }

    private string MapPath(string id) => Path.Combine(stores.FolderOf(StoreName.Snapshots), Kind, id + ".map");

    private BlockMap OpenMap(UploadRecord record) => BlockMap.Open(MapPath(record.Id), BlockLayout.CountOf(record.FileSize));

    private void CloseMap(OpenUpload upload)
    {
        var map = upload.Map;
        upload.Map = null;
        map?.Dispose();
        File.Delete(MapPath(upload.Record.Id));
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
