namespace Gallery.Region.Stores.Records;

/// <summary>The same records in several zones: written and removed in all, read from the first that has a sound one.</summary>
internal sealed class MirroredRecords(IReadOnlyList<IRecordStore> zones) : IRecordStore
{
    /// <inheritdoc/>
    public async ValueTask PutAsync(string kind, string name, ReadOnlyMemory<byte> value, CancellationToken cancellationToken)
    {
        foreach (var zone in zones)
        {
            await zone.PutAsync(kind, name, value, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> TryGetAsync(string kind, string name, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        foreach (var zone in zones)
        {
            try
            {
                if (await zone.TryGetAsync(kind, name, cancellationToken) is { } value)
                {
                    return value;
                }
            }
            catch (Exception exception) when (exception is RegionException or IOException or UnauthorizedAccessException)
            {
                failure = exception;
            }
        }

        return failure is null ? null : throw failure;
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> ListAsync(string kind, CancellationToken cancellationToken)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var zone in zones)
        {
            try
            {
                names.UnionWith(await zone.ListAsync(kind, cancellationToken));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // A zone that can't be read loses nothing: the others have the same records.
            }
        }

        return [.. names];
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(string kind, string name, CancellationToken cancellationToken)
    {
        foreach (var zone in zones)
        {
            await zone.DeleteAsync(kind, name, cancellationToken);
        }
    }
}
