using System.Runtime.CompilerServices;
using Gallery.Region.Blocks;
using Gallery.Region.Stores.Segments;

namespace Gallery.Region.Stores.Objects;

/// <summary>Reads packs again to find what has rotted, and takes in what mends it.</summary>
internal sealed partial class ObjectStore
{
    /// <inheritdoc/>
    public async ValueTask ReplaceAsync(BlockBatch batch, CancellationToken cancellationToken)
    {
        var number = await WritePackAsync(batch.Entries, batch.Data, cancellationToken);
        Redirect(number, batch.Entries.Span);
    }

    /// <inheritdoc/>
    public void Forget(in BlockDigest digest)
    {
        lock (_gate)
        {
            _index.Remove(digest);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<BlockRef> ListBlocks()
    {
        lock (_gate)
        {
            var blocks = new List<BlockRef>(_index.Count);
            _index.ForEach((_, digest, location) => blocks.Add(new BlockRef(digest, location.Length)));
            return blocks;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ScrubStep> ScrubAsync(
        ScrubPosition from,
        Pace pace,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        KeyValuePair<uint, long>[] packs;
        lock (_gate)
        {
            packs = [.. _packs.Where(pack => pack.Key >= from.Segment).OrderBy(pack => pack.Key)];
        }

        foreach (var (number, size) in packs)
        {
            await pace((int)size, cancellationToken);
            var bytes = await _bucket.TryGetAsync(KeyOf(number), cancellationToken) ?? [];
            yield return new ScrubStep(new ScrubPosition(number + 1, 0), bytes.Length, BadIn(number, bytes));
        }
    }

    /// <summary>Blocks whose place is a pack, and whose bytes there are not theirs.</summary>
    private List<BlockRef> BadIn(uint number, byte[] bytes)
    {
        var group = bytes.Length >= GroupHeader.Size ? GroupHeader.TryRead(bytes.AsSpan(0, GroupHeader.Size), number, 0) : null;
        return [.. PlacesIn(number, group).Where(place => !IsSound(bytes, place.Digest, place.Location)).Select(ToRef)];
    }

    /// <summary>The blocks that are read from a pack. Without its header they are looked for in the whole index.</summary>
    private List<(BlockDigest Digest, BlockLocation Location)> PlacesIn(uint number, Group? group)
    {
        var places = new List<(BlockDigest, BlockLocation)>();
        lock (_gate)
        {
            foreach (var block in group?.Blocks ?? [])
            {
                if (_index.TryFind(block.Digest, out var location) && location.Segment == number)
                {
                    places.Add((block.Digest, location));
                }
            }

            // What a collection removed meanwhile has no place any more.
            if (group is null && _packs.ContainsKey(number))
            {
                _index.ForEach(
                    (_, digest, location) =>
                    {
                        if (location.Segment == number)
                        {
                            places.Add((digest, location));
                        }
                    }
                );
            }
        }

        return places;
    }

    private static bool IsSound(byte[] bytes, in BlockDigest digest, in BlockLocation location) =>
        location.Offset + location.Length <= bytes.Length && BlockDigest.Of(bytes.AsSpan((int)location.Offset, location.Length)) == digest;

    private static BlockRef ToRef((BlockDigest Digest, BlockLocation Location) place) => new(place.Digest, place.Location.Length);

    /// <summary>From now on the blocks of a pack are read from it.</summary>
    private void Redirect(uint number, ReadOnlySpan<BlockRef> blocks)
    {
        var offset = (uint)GroupHeader.Size;
        lock (_gate)
        {
            foreach (ref readonly var block in blocks)
            {
                _index.Set(block.Digest, new BlockLocation(number, offset, block.Length));
                offset += (uint)block.Length;
            }
        }
    }
}
