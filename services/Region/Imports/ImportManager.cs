using System.Collections.Concurrent;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Node;
using Gallery.Region.Uploads;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Imports;

/// <summary>
/// Imports of the node. An import is known by the upload that it fills, and is kept beside it; its work runs in this process until it is done,
/// fails, or the upload is dropped. After a restart it waits to be started again: only the caller knows the whole address.
/// </summary>
internal sealed partial class ImportManager : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, ActiveImport> _imports = new(StringComparer.Ordinal);
    private readonly ImportRecords _records;
    private readonly UploadManager _uploads;
    private readonly UploadRegistry _registry;
    private readonly GuardedHttp _http;
    private readonly HostRules _rules;
    private readonly ImportOptions _options;
    private readonly RegionTelemetry _telemetry;
    private readonly ILogger<ImportManager> _logger;
    private readonly SemaphoreSlim _turns;
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Puts it beside the uploads.</summary>
    public ImportManager(
        ImportRecords records,
        UploadManager uploads,
        UploadRegistry registry,
        GuardedHttp http,
        HostRules rules,
        IOptions<ImportOptions> options,
        RegionTelemetry telemetry,
        ILogger<ImportManager> logger
    )
    {
        _records = records;
        _uploads = uploads;
        _registry = registry;
        _http = http;
        _rules = rules;
        _options = options.Value;
        _telemetry = telemetry;
        _logger = logger;
        _turns = new SemaphoreSlim(_options.MaxRunning, _options.MaxRunning);
        uploads.Dropping += Drop;
    }

    /// <summary>
    /// Reads back what the node had when it stopped; to be called when the uploads were read. While the zone is away there is nothing to read, and
    /// it is called again when the zone is back.
    /// </summary>
    /// <exception cref="RegionException">Some are out of reach; the others are known on return all the same.</exception>
    public async Task LoadAsync(CancellationToken cancellationToken)
    {
        var uploads = _registry.Records.Select(record => record.Id).ToHashSet(StringComparer.Ordinal);
        await _records.ReadAsync(_imports.ContainsKey, TryAdd, cancellationToken);

        // Without its upload it begins anew.
        bool TryAdd(ImportRecord record) =>
            (uploads.Contains(record.Id) || record.Failure != ErrorReason.Unspecified)
            && _imports.TryAdd(record.Id, new ActiveImport(record));
    }

    /// <summary>Begins an import, or goes on with it.</summary>
    /// <exception cref="RegionException">The address is not allowed, or not the one that the import began with; or what is known is out of reach.</exception>
    public ImportView Start(string id, ImportUri uri, DiskFormat format)
    {
        Check(uri);
        if (!_imports.ContainsKey(id))
        {
            _records.RequireInReach(id);
        }

        while (true)
        {
            var import = _imports.GetOrAdd(
                id,
                _ => new ActiveImport(
                    new ImportRecord
                    {
                        Id = id,
                        Address = uri.ToString(),
                        Format = format,
                    }
                )
            );
            lock (import)
            {
                if (import.IsDropped)
                {
                    continue;
                }

                RequireSame(import.Record, uri, format);
                if (import.View.State == ImportStep.Waiting)
                {
                    import.Begin(_stopping.Token);
                    import.Work = Task.Run(() => RunAsync(import, uri));
                }

                return import.View;
            }
        }
    }

    /// <summary>Shows an import.</summary>
    /// <exception cref="RegionException">There is none, or what is known of it is out of reach.</exception>
    public ImportView Get(string id)
    {
        if (_imports.TryGetValue(id, out var import))
        {
            return import.View;
        }

        _records.RequireInReach(id);
        throw new RegionException(ErrorReason.ResourceNotFound, $"There is no import {id} on this node.");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _uploads.Dropping -= Drop;
        await _stopping.CancelAsync();
        await Task.WhenAll(_imports.Values.Select(import => import.Work));
        _stopping.Dispose();
        _turns.Dispose();
    }

    /// <summary>Refuses an address that the settings rule out; where its name leads is looked at when it is connected to.</summary>
    private void Check(ImportUri uri)
    {
        if (!uri.IsFile)
        {
            _rules.Check(uri.Secret);
        }
        else if (_options.Folders.Count == 0)
        {
            throw ImportErrors.NotAllowed("this region imports no files of its machine (Imports:Folders is empty).");
        }
    }

    private static void RequireSame(ImportRecord record, ImportUri uri, DiskFormat format)
    {
        if (record.Address != uri.ToString() || record.Format != format)
        {
            throw new RegionException(
                ErrorReason.PropertyChangeNotAllowed,
                $"The import {record.Id} was begun from {record.Address} in the format {record.Format}."
            );
        }
    }

    private async Task RunAsync(ActiveImport import, ImportUri uri)
    {
        var cancellation = import.Cancellation;
        try
        {
            await _turns.WaitAsync(cancellation);
            try
            {
                using var job = new ImportJob(import.Record, _uploads, record => SaveAsync(import, record), import.Advance);
                await job.RunAsync(
                    token => OpenAsync(uri, import.Record.Version.Length > 0, token),
                    _options.RequestsPerImport,
                    cancellation
                );
                LogArrived(import.Record.Id, import.Record.Address, import.Record.FetchedBytes);
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (Exception exception)
        {
            await EndAsync(import, exception);
        }
        finally
        {
            await ForgetIfDroppedAsync(import);
        }
    }

    private async Task<IImportSource> OpenAsync(ImportUri uri, bool begun, CancellationToken cancellationToken) =>
        uri.IsFile
            ? FileSource.Open(uri, _options.Folders)
            : await HttpSource.OpenAsync(uri, _http, _rules, _options, begun, cancellationToken);

    /// <summary>What ended the work decides whether it may be begun again.</summary>
    private async Task EndAsync(ActiveImport import, Exception exception)
    {
        var cause = exception is AggregateException { InnerException: { } inner } ? inner : exception;
        var reason = (cause as RegionException)?.Reason ?? ErrorReason.Unspecified;
        var forGood =
            reason
            is ErrorReason.InvalidParameter
                or ErrorReason.SourceNotUsable
                or ErrorReason.InvalidDiskFormat
                or ErrorReason.GallerySourceResourceExceedsMaxSize
                or ErrorReason.PropertyChangeNotAllowed
                or ErrorReason.NotSupportedYet;
        var details = cause switch
        {
            OperationCanceledException => "The node is stopping.",
            RegionException or SourceAwayException or IOException => cause.Message,
            _ => "The node met a defect; its log has the details.",
        };
        try
        {
            var record = import.Record with { Details = details, Failure = forGood ? reason : ErrorReason.Unspecified };
            import.Rest(record);
            if (forGood)
            {
                await SaveAsync(import, record);
            }
        }
        catch (Exception failure) when (failure is RegionException or IOException)
        {
            LogEnded(failure, import.Record.Id, import.Record.Address);
        }

        if (cause is not OperationCanceledException)
        {
            LogEnded(cause, import.Record.Id, import.Record.Address);
        }
    }

    /// <summary>An upload that was dropped while the source was being opened may have come about after that.</summary>
    private async Task ForgetIfDroppedAsync(ActiveImport import)
    {
        if (!import.IsDropped)
        {
            return;
        }

        try
        {
            await _records.DeleteAsync(import.Record.Id);
            await _uploads.DeleteAsync(import.Record.Id, default);
        }
        catch (Exception exception) when (exception is RegionException or IOException)
        {
            LogEnded(exception, import.Record.Id, import.Record.Address);
        }
    }

    private void Drop(string id)
    {
        if (_imports.TryRemove(id, out var import))
        {
            lock (import)
            {
                import.IsDropped = true;
                import.Cancel();
                if (import.Work.IsCompleted)
                {
                    import.Work = Task.Run(() => ForgetIfDroppedAsync(import));
                }
            }
        }
    }

    private async Task SaveAsync(ActiveImport import, ImportRecord record)
    {
        _telemetry.Imported(record.FetchedBytes - import.Record.FetchedBytes);
        import.Keep(record);
        await _records.PutAsync(record);
    }

    [LoggerMessage(1, LogLevel.Information, "The import {Import} of {Address} has arrived; {FetchedBytes} bytes were fetched")]
    private partial void LogArrived(string import, string address, long fetchedBytes);

    [LoggerMessage(2, LogLevel.Warning, "The import {Import} of {Address} ended early")]
    private partial void LogEnded(Exception exception, string import, string address);
}
