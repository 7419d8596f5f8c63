using Gallery.Contracts.Common.V1;
using Gallery.Region.Stores.Records;

namespace Gallery.Region.Stores.Zones;

/// <summary>The records that a zone keeps. While the zone can't be used, nothing is read, and nothing is written into what stands in its place.</summary>
internal sealed class ZoneRecords(ZoneFolder zone, IRecordStore inner) : IRecordStore
{
    /// <inheritdoc/>
    public async ValueTask PutAsync(string kind, string name, ReadOnlyMemory<byte> value, CancellationToken cancellationToken) =>
        await GuardAsync(async () =>
        {
            await inner.PutAsync(kind, name, value, cancellationToken);
            return true;
        });

    /// <inheritdoc/>
    public ValueTask<byte[]?> TryGetAsync(string kind, string name, CancellationToken cancellationToken) =>
        GuardAsync(() => inner.TryGetAsync(kind, name, cancellationToken));

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ListAsync(string kind, CancellationToken cancellationToken) =>
        GuardAsync(() => inner.ListAsync(kind, cancellationToken));

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(string kind, string name, CancellationToken cancellationToken) =>
        await GuardAsync(async () =>
        {
            await inner.DeleteAsync(kind, name, cancellationToken);
            return true;
        });

    private async ValueTask<T> GuardAsync<T>(Func<ValueTask<T>> act)
    {
        if (zone.Failure.Length > 0)
        {
            throw new RegionException(ErrorReason.RegionUnavailable, zone.Failure);
        }

        try
        {
            // The folder may have gone since the last look: a record must not bring it back empty.
            return Directory.Exists(zone.Path) ? await act() : throw new DirectoryNotFoundException($"{zone.Path} is missing.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RegionException(
                ErrorReason.RegionUnavailable,
                $"The records of zone {zone.Number} can't be used: {exception.Message}",
                exception
            );
        }
    }
}
