using System.Runtime.ExceptionServices;
using System.Text.Json;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Stores;

namespace Gallery.Region.Imports;

/// <summary>The records of imports as they are kept, beside the uploads that they fill.</summary>
internal sealed partial class ImportRecords(StoreSet stores, ILogger<ImportRecords> logger)
{
    private const string Kind = "imports";

    private readonly RegionStore _store = stores.Snapshots;
    private volatile HashSet<string>? _outOfReach;

    /// <summary>Reads the records that are not known yet. While the zone is away there is nothing to read.</summary>
    /// <param name="isKnown">True for the id of an import that need not be read.</param>
    /// <param name="tryAdd">Takes over a record; false for one that is of no use any more, which is then removed.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="RegionException">Some are out of reach; the others were taken over all the same.</exception>
    public async Task ReadAsync(Func<string, bool> isKnown, Func<ImportRecord, bool> tryAdd, CancellationToken cancellationToken)
    {
        if (_store.Failure.Length > 0)
        {
            return;
        }

        var outOfReach = new HashSet<string>(StringComparer.Ordinal);
        RegionException? failure = null;
        foreach (var id in (await _store.Records.ListAsync(Kind, cancellationToken)).Where(id => !isKnown(id)))
        {
            try
            {
                if (await TryReadAsync(id, cancellationToken) is not { } record || !tryAdd(record))
                {
                    await _store.Records.DeleteAsync(Kind, id, cancellationToken);
                }
            }
            catch (RegionException exception)
            {
                // It may be sound: its zone has just gone, or the disk fails in this place.
                failure = exception;
                outOfReach.Add(id);
            }
        }

        _outOfReach = outOfReach;
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>Refuses what would take an import for new that may be there.</summary>
    /// <exception cref="RegionException">What is known of it can't be read.</exception>
    public void RequireInReach(string id)
    {
        if (_outOfReach?.Contains(id) != false)
        {
            throw new RegionException(
                ErrorReason.RegionUnavailable,
                _store.Failure is { Length: > 0 } away ? away : $"What the node knows of the import {id} can't be read at the moment."
            );
        }
    }

    /// <summary>Writes a record; it is durable on return.</summary>
    public async Task PutAsync(ImportRecord record) =>
        await _store.Records.PutAsync(
            Kind,
            record.Id,
            JsonSerializer.SerializeToUtf8Bytes(record, ImportJson.Default.ImportRecord),
            CancellationToken.None
        );

    /// <summary>Removes a record; no error when there is none.</summary>
    public async Task DeleteAsync(string id) => await _store.Records.DeleteAsync(Kind, id, CancellationToken.None);

    /// <summary>Null when the record is damaged, or gone.</summary>
    private async Task<ImportRecord?> TryReadAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            var bytes = await _store.Records.TryGetAsync(Kind, id, cancellationToken);
            return bytes is null ? null : JsonSerializer.Deserialize(bytes, ImportJson.Default.ImportRecord);
        }
        catch (Exception exception) when (exception is BlockCorruptException or JsonException)
        {
            LogUnreadable(exception, id);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The record of import {Import} can't be read; it begins anew")]
    private partial void LogUnreadable(Exception exception, string import);
}
