using System.Globalization;
using System.Text;
using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Stores.Records;

/// <summary>
/// The same records in several zones. A record carries a number that grows with each change, so that a zone that missed changes is recognised:
/// the highest number counts. A change needs most of the zones, so that losing one of them never loses it; what a zone missed is caught up
/// by <see cref="CatchUpAsync"/> when it is back.
/// </summary>
internal sealed class MirroredRecords(IReadOnlyList<IRecordStore> zones) : IRecordStore
{
    private const string Title = "change ";

    private int Quorum => (zones.Count / 2) + 1;

    /// <inheritdoc/>
    public async ValueTask PutAsync(string kind, string name, ReadOnlyMemory<byte> value, CancellationToken cancellationToken)
    {
        var (number, _) = await NewestAsync(kind, name, cancellationToken);
        await WriteAsync(zones, Quorum, kind, name, Wrap(number + 1, value.Span), cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> TryGetAsync(string kind, string name, CancellationToken cancellationToken) =>
        (await NewestAsync(kind, name, cancellationToken)).Value;

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
            catch (Exception exception) when (IsOfZone(exception))
            {
                // A zone that can't be read loses nothing: the others have the same records.
            }
        }

        return [.. names];
    }

    /// <summary>Removes a record from every zone.</summary>
    /// <exception cref="RegionException">A zone can't be reached; it would bring the record back later.</exception>
    public async ValueTask DeleteAsync(string kind, string name, CancellationToken cancellationToken)
    {
        foreach (var zone in zones)
        {
            // To ask first finds out about a zone that is away before anything is removed.
            await zone.ListAsync(kind, cancellationToken);
        }

        foreach (var zone in zones)
        {
            await zone.DeleteAsync(kind, name, cancellationToken);
        }
    }

    /// <summary>Gives every zone what it missed.</summary>
    /// <returns>How many records a zone lacked or had out of date.</returns>
    public async ValueTask<int> CatchUpAsync(string kind, CancellationToken cancellationToken)
    {
        var caught = 0;
        foreach (var name in await ListAsync(kind, cancellationToken))
        {
            var (number, value) = await NewestAsync(kind, name, cancellationToken);
            if (value is null)
            {
                continue;
            }

            foreach (var zone in zones)
            {
                if ((await ReadAsync(zone, kind, name, cancellationToken)).Number < number)
                {
                    await WriteAsync([zone], quorum: 0, kind, name, Wrap(number, value), cancellationToken);
                    caught++;
                }
            }
        }

        return caught;
    }

    private static async ValueTask WriteAsync(
        IReadOnlyList<IRecordStore> zones,
        int quorum,
        string kind,
        string name,
        byte[] bytes,
        CancellationToken cancellationToken
    )
    {
        var written = 0;
        Exception? failure = null;
        foreach (var zone in zones)
        {
            try
            {
                await zone.PutAsync(kind, name, bytes, cancellationToken);
                written++;
            }
            catch (Exception exception) when (IsOfZone(exception))
            {
                failure = exception;
            }
        }

        if (written < quorum)
        {
            throw failure as RegionException
                ?? new RegionException(ErrorReason.RegionUnavailable, $"Too few zones take records: {failure!.Message}", failure);
        }
    }

    private async ValueTask<(long Number, byte[]? Value)> NewestAsync(string kind, string name, CancellationToken cancellationToken)
    {
        (long Number, byte[]? Value) newest = (-1, null);
        var answered = 0;
        Exception? failure = null;
        foreach (var zone in zones)
        {
            var (number, value, failed) = await ReadAsync(zone, kind, name, cancellationToken);
            newest = value is not null && number > newest.Number ? (number, value) : newest;
            answered += failed is null ? 1 : 0;
            failure ??= failed;
        }

        // That there is none is believed when most zones say so: a change is always in most of them.
        return newest.Value is null && failure is not null && answered < Quorum ? throw failure : newest;
    }

    private static async ValueTask<(long Number, byte[]? Value, Exception? Failure)> ReadAsync(
        IRecordStore zone,
        string kind,
        string name,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await zone.TryGetAsync(kind, name, cancellationToken) is { } bytes ? Unwrap(bytes) : (-1, null, null);
        }
        catch (Exception exception) when (IsOfZone(exception))
        {
            return (-1, null, exception);
        }
    }

    private static byte[] Wrap(long number, ReadOnlySpan<byte> value) =>
        [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Title}{number}\n")), .. value];

    /// <summary>A record without a number was written before there were any.</summary>
    private static (long Number, byte[] Value, Exception? Failure) Unwrap(byte[] bytes)
    {
        var end = bytes.AsSpan().IndexOf((byte)'\n');
        return
            end > Title.Length
            && bytes.AsSpan().StartsWith(Encoding.ASCII.GetBytes(Title))
            && long.TryParse(
                bytes.AsSpan(Title.Length, end - Title.Length),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var number
            )
            ? (number, bytes[(end + 1)..], null)
            : (0, bytes, null);
    }

    private static bool IsOfZone(Exception exception) => exception is RegionException or IOException or UnauthorizedAccessException;
}
