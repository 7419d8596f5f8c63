using System.Globalization;
using Gallery.Region.Stores.Segments;

namespace Gallery.Region.Stores.Objects;

/// <summary>Finds out at the opening which blocks there are, and keeps that quick.</summary>
internal sealed partial class ObjectStore
{
    private async Task LoadAsync()
    {
        // Whoever opened the store last may remove from it: an older process that is still alive must not.
        await _bucket.PutAsync(OwnerKey, _owner, default);
        var folder = _prefix + "packs/";
        await foreach (var entry in _bucket.ListAsync(folder, default))
        {
            if (uint.TryParse(entry.Key.AsSpan(folder.Length), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var number))
            {
                _packs[number] = entry.Size;
                _beginnings.Add(number >> RunningBits);
                _usedBytes += entry.Size;
            }
        }

        var listed = new HashSet<uint>();
        await _indexes.ReadAsync(page =>
        {
            var number = PackIndexes.NumberOf(page.Span);
            if (GroupHeader.TryRead(page.Span, number, 0) is not { } group)
            {
                return false;
            }

            // The number of a pack that is gone is not given out again: this page would be taken for the new pack's.
            _beginnings.Add(number >> RunningBits);
            if (!_packs.ContainsKey(number))
            {
                return false;
            }

            if (listed.Add(number))
            {
                AddToIndex(number, group.Blocks);
            }

            return true;
        });
        var options = new ParallelOptions { MaxDegreeOfParallelism = HeadersAtOnce };
        await Parallel.ForEachAsync(_packs.Keys.Where(number => !listed.Contains(number)).ToArray(), options, ReadHeaderAsync);
        _capacity.Count(_usedBytes);
        await ListPacksAsync(default);
    }

    private async ValueTask ReadHeaderAsync(uint number, CancellationToken cancellationToken)
    {
        var page = new byte[GroupHeader.Size];
        if (await _bucket.TryReadAsync(KeyOf(number), 0, page, cancellationToken) && GroupHeader.TryRead(page, number, 0) is { } group)
        {
            AddToIndex(number, group.Blocks);
            lock (_gate)
            {
                _unlisted[number] = page;
            }
        }
    }

    /// <summary>Makes an index object when enough packs have come that none tells of. Losing it costs nothing but requests at the next opening.</summary>
    private async Task ListPacksAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            KeyValuePair<uint, byte[]>[] pages;
            lock (_gate)
            {
                if (_unlisted.Count < _packsPerIndex || !_listing.Wait(0, CancellationToken.None))
                {
                    return;
                }

                pages = [.. _unlisted.Take(_packsPerIndex)];
            }

            try
            {
                await _indexes.WriteAsync(pages.Select(page => page.Value), cancellationToken);
                lock (_gate)
                {
                    Array.ForEach(pages, page => _unlisted.Remove(page.Key));
                }
            }
            catch (ObjectStorageException)
            {
                return;
            }
            finally
            {
                _listing.Release();
            }
        }
    }
}
