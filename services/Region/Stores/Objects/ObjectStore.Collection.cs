using Gallery.Region.Blocks;
using Gallery.Region.Stores.Segments;

namespace Gallery.Region.Stores.Objects;

/// <summary>Frees packs in which nothing is alive, and moves what is alive out of those that are more than half dead.</summary>
internal sealed partial class ObjectStore
{
    /// <summary>Packs that one collection rewrites at the most: the store's users wait for it.</summary>
    private const int MaxRewritten = 32;

    /// <inheritdoc/>
    public async ValueTask<IBlockCollection> BeginCollectionAsync(CancellationToken cancellationToken)
    {
        await _collecting.WaitAsync(cancellationToken);
        lock (_gate)
        {
            return new Collection(this, [.. _packs.Keys]);
        }
    }

    private async Task<long> FreeAsync(uint[] candidates, MarkedSlots live)
    {
        var before = UsedBytes;
        var owner = await _bucket.TryGetAsync(OwnerKey, default);
        if (owner is null || !owner.AsSpan().SequenceEqual(_owner))
        {
            throw new ObjectStorageException(
                _bucket.Name,
                $"another process has opened {_prefix} since; this one removes nothing any more"
            );
        }

        var sparse = new List<uint>();
        HashSet<uint> dead;
        lock (_gate)
        {
            var alive = candidates.ToDictionary(number => number, _ => 0L);
            _index.ForEach(
                (slot, _, location) =>
                {
                    if (live.Has(slot) && alive.ContainsKey(location.Segment))
                    {
                        alive[location.Segment] += location.Length;
                    }
                }
            );
            dead = [.. alive.Where(pack => pack.Value == 0).Select(pack => pack.Key)];
            sparse.AddRange(
                alive
                    .Where(pack => pack.Value > 0 && pack.Value * 2 < _packs[pack.Key] - GroupHeader.Size)
                    .OrderBy(pack => pack.Value)
                    .Select(pack => pack.Key)
                    .Take(MaxRewritten)
            );
            RemovePacks(dead);
        }

        await DropAsync(dead);
        await RewriteAsync(sparse, live);
        return before - UsedBytes;
    }

    /// <summary>Moves what is alive in the packs into new ones. An old pack is removed when what it had is safe elsewhere.</summary>
    private async Task RewriteAsync(List<uint> packs, MarkedSlots live)
    {
        var (refs, data, emptied) = (new List<BlockRef>(), new List<byte>(), new HashSet<uint>());
        foreach (var number in packs)
        {
            if (await ReadLiveAsync(number, live) is not { } blocks)
            {
                continue; // Damaged or out of reach: it stays as it is.
            }

            if (
                refs.Count + blocks.Count > BlockBatch.MaxCount
                || data.Count + blocks.Sum(block => block.Bytes.Length) > BlockBatch.Capacity
            )
            {
                await MoveAsync(refs, data, emptied);
            }

            blocks.ForEach(block => data.AddRange(block.Bytes));
            refs.AddRange(blocks.Select(block => block.Ref));
            emptied.Add(number);
        }

        await MoveAsync(refs, data, emptied);
    }

    private async Task MoveAsync(List<BlockRef> refs, List<byte> data, HashSet<uint> emptied)
    {
        if (refs.Count == 0)
        {
            return;
        }

        try
        {
            var number = await WritePackAsync(refs.ToArray(), data.ToArray(), default);
            lock (_gate)
            {
                Redirect(number, refs.ToArray());
                RemovePacks(emptied);
            }

            await DropAsync(emptied);
        }
        catch (StorageExhaustedException)
        {
            // A store that is full to the brim has no room for the new pack; what is wholly dead was freed all the same.
        }

        refs.Clear();
        data.Clear();
        emptied.Clear();
    }

    private async Task<List<(BlockRef Ref, byte[] Bytes)>?> ReadLiveAsync(uint number, MarkedSlots live)
    {
        var bytes = await _bucket.TryGetAsync(KeyOf(number), default);
        if (
            bytes is null
            || bytes.Length < GroupHeader.Size
            || GroupHeader.TryRead(bytes.AsSpan(0, GroupHeader.Size), number, 0) is not { } group
        )
        {
            return null;
        }

        var found = new List<(BlockRef, byte[])>();
        var at = GroupHeader.Size;
        foreach (var block in group.Blocks)
        {
            if (IsLiveIn(number, block, live))
            {
                if (at + block.Length > bytes.Length || BlockDigest.Of(bytes.AsSpan(at, block.Length)) != block.Digest)
                {
                    return null;
                }

                found.Add((block, bytes[at..(at + block.Length)]));
            }

            at += block.Length;
        }

        return found;
    }

    private bool IsLiveIn(uint number, BlockRef block, MarkedSlots live)
    {
        lock (_gate)
        {
            return _index.TryFindSlot(block.Digest, out var slot)
                && live.Has(slot)
                && _index.TryFind(block.Digest, out var location)
                && location.Segment == number;
        }
    }

    private void RemovePacks(HashSet<uint> packs) => _index.RemoveWhere((_, location) => packs.Contains(location.Segment));

    private async Task DropAsync(IReadOnlyCollection<uint> packs)
    {
        foreach (var number in packs)
        {
            await _bucket.DeleteAsync(KeyOf(number), default);
            long size;
            lock (_gate)
            {
                _packs.Remove(number, out size);
                _unlisted.Remove(number);
            }

            Interlocked.Add(ref _usedBytes, -size);
            _capacity.Give(size);
        }
    }

    /// <summary>One bit a block, found by the block's slot in the index.</summary>
    private sealed class MarkedSlots
    {
        private readonly List<bool> _bits = [];

        public bool Has(int slot) => slot < _bits.Count && _bits[slot];

        public bool Mark(int slot)
        {
            while (_bits.Count <= slot)
            {
                _bits.Add(false);
            }

            var first = !_bits[slot];
            _bits[slot] = true;
            return first;
        }
    }

    private sealed class Collection(ObjectStore store, uint[] candidates) : IBlockCollection
    {
        private readonly MarkedSlots _live = new();
        private bool _ended;

        public bool Mark(in BlockDigest digest)
        {
            lock (store._gate)
            {
                // One that is not here may be in another zone, and what it leads to may well be here.
                return !store._index.TryFindSlot(digest, out var slot) || _live.Mark(slot);
            }
        }

        public async ValueTask<long> FreeAsync() => await store.FreeAsync(candidates, _live);

        public void Dispose()
        {
            if (!_ended)
            {
                _ended = true;
                store._collecting.Release();
            }
        }
    }
}
