using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Gallery.Region.Blocks;

namespace Gallery.Region.Stores.Segments;

/// <summary>Where a block lies.</summary>
/// <param name="Segment">Number of the segment file.</param>
/// <param name="Offset">First byte of the block in it.</param>
/// <param name="Length">Bytes of the block.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BlockLocation(uint Segment, uint Offset, int Length);

/// <summary>
/// Digest → place of every block of a store, in flat arrays: 48 bytes an entry and 4 to 8 for its bucket. Entries lie in pages that are never
/// moved, so growing costs no second copy. Not thread-safe; its store holds the lock.
/// </summary>
internal sealed class BlockIndex
{
    private const int PageSize = 4096;

    // Blocks are chosen by clients, and so is a part of their digests: a secret factor keeps them from piling up in one bucket.
    private readonly ulong _factor = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;
    private readonly List<Entry[]> _pages = [];
    private int[] _buckets = NewBuckets(1024);
    private int _used;
    private int _free = -1;

    /// <summary>Number of blocks.</summary>
    public int Count { get; private set; }

    /// <summary>Finds a block.</summary>
    public bool TryFind(in BlockDigest digest, out BlockLocation location)
    {
        var found = TryFindSlot(digest, out var slot);
        location = found ? At(slot).Location : default;
        return found;
    }

    /// <summary>Finds the slot of a block: a small number that stays the same while the block is in the index.</summary>
    public bool TryFindSlot(in BlockDigest digest, out int slot)
    {
        for (slot = _buckets[BucketOf(digest)]; slot >= 0; slot = At(slot).Next)
        {
            if (At(slot).Digest == digest)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds a block; false when it is there already, which changes nothing.</summary>
    public bool TryAdd(in BlockDigest digest, in BlockLocation location)
    {
        if (TryFindSlot(digest, out _))
        {
            return false;
        }

        if (Count >= _buckets.Length)
        {
            Grow();
        }

        var slot = TakeSlot();
        ref var bucket = ref _buckets[BucketOf(digest)];
        At(slot) = new Entry(digest, location, bucket);
        bucket = slot;
        Count++;
        return true;
    }

    /// <summary>Tells another place of a block that is in the index. Its slot stays the same.</summary>
    public void Set(in BlockDigest digest, in BlockLocation location)
    {
        if (TryFindSlot(digest, out var slot))
        {
            ref var entry = ref At(slot);
            entry = new Entry(digest, location, entry.Next);
        }
    }

    /// <summary>Calls back for every block: its slot, what it is, and where it lies.</summary>
    public void ForEach(Action<int, BlockDigest, BlockLocation> visit)
    {
        for (var slot = 0; slot < _used; slot++)
        {
            ref readonly var entry = ref At(slot);
            if (!entry.Digest.IsHole)
            {
                visit(slot, entry.Digest, entry.Location);
            }
        }
    }

    /// <summary>Removes a block; no error when it is not there.</summary>
    public void Remove(in BlockDigest digest)
    {
        if (TryFindSlot(digest, out var slot))
        {
            RemoveFrom(BucketOf(digest), (candidate, _) => candidate == slot);
        }
    }

    /// <summary>Removes all blocks that a condition on slot and place holds for.</summary>
    public void RemoveWhere(Func<int, BlockLocation, bool> condition)
    {
        for (var bucket = 0; bucket < _buckets.Length; bucket++)
        {
            RemoveFrom(bucket, condition);
        }
    }

    private void RemoveFrom(int bucket, Func<int, BlockLocation, bool> condition)
    {
        ref var link = ref _buckets[bucket];
        while (link >= 0)
        {
            var slot = link;
            ref var entry = ref At(slot);
            if (condition(slot, entry.Location))
            {
                link = entry.Next;
                entry = new Entry(default, default, _free);
                _free = slot;
                Count--;
            }
            else
            {
                link = ref entry.Next;
            }
        }
    }

    private static int[] NewBuckets(int count)
    {
        var buckets = new int[count];
        Array.Fill(buckets, -1);
        return buckets;
    }

    private ref Entry At(int slot) => ref _pages[slot / PageSize][slot % PageSize];

    private int BucketOf(in BlockDigest digest) =>
        (int)((digest.Fingerprint * _factor) >> (64 - BitOperations.Log2((uint)_buckets.Length)));

    private int TakeSlot()
    {
        if (_free >= 0)
        {
            var slot = _free;
            _free = At(slot).Next;
            return slot;
        }

        if (_used == _pages.Count * PageSize)
        {
            _pages.Add(new Entry[PageSize]);
        }

        return _used++;
    }

    private void Grow()
    {
        _buckets = NewBuckets(_buckets.Length * 2);
        for (var slot = 0; slot < _used; slot++)
        {
            ref var entry = ref At(slot);
            if (!entry.Digest.IsHole)
            {
                ref var bucket = ref _buckets[BucketOf(entry.Digest)];
                entry.Next = bucket;
                bucket = slot;
            }
        }
    }

    /// <summary>An empty entry has the default digest, and links to the next empty one.</summary>
    private struct Entry(BlockDigest digest, BlockLocation location, int next)
    {
        public readonly BlockDigest Digest = digest;
        public readonly BlockLocation Location = location;
        public int Next = next;
    }
}
