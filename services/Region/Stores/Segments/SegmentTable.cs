using Gallery.Region.Blocks;

namespace Gallery.Region.Stores.Segments;

/// <summary>A block that was copied to another place.</summary>
/// <param name="Digest">Which block.</param>
/// <param name="From">Where it lay.</param>
/// <param name="To">Where its copy lies.</param>
internal readonly record struct BlockMove(BlockDigest Digest, BlockLocation From, BlockLocation To);

/// <summary>The segments of a store and where each block lies in them, in memory. Safe for many callers: each call is one step.</summary>
internal sealed class SegmentTable
{
    private readonly BlockIndex _index = new();
    private readonly SortedDictionary<uint, Segment> _segments = [];
    private readonly Lock _gate = new();

    /// <summary>Number of blocks.</summary>
    public long BlockCount
    {
        get
        {
            lock (_gate)
            {
                return _index.Count;
            }
        }
    }

    /// <summary>The segments as they are now, by number.</summary>
    public Segment[] Segments
    {
        get
        {
            lock (_gate)
            {
                return [.. _segments.Values];
            }
        }
    }

    /// <summary>Adds a segment; its blocks are added as they are written or read.</summary>
    public void Add(Segment segment)
    {
        lock (_gate)
        {
            _segments.Add(segment.Number, segment);
        }
    }

    /// <summary>Finds a segment; null when it is gone.</summary>
    public Segment? Find(uint number)
    {
        lock (_gate)
        {
            return _segments.GetValueOrDefault(number);
        }
    }

    /// <summary>Takes a segment out, unless a block lies in it.</summary>
    public bool TryRemove(uint number)
    {
        lock (_gate)
        {
            var empty = true;
            _index.ForEach((_, _, location) => empty &= location.Segment != number);
            return empty && _segments.Remove(number);
        }
    }

    /// <summary>Forgets everything: the store is closed.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _index.RemoveWhere((_, _) => true);
            _segments.Clear();
        }
    }

    /// <summary>Adds blocks that lie back to back.</summary>
    /// <param name="segment">Number of their segment.</param>
    /// <param name="offset">Where the first one begins.</param>
    /// <param name="blocks">The blocks.</param>
    /// <param name="replace">True when these copies take the place of those that are known.</param>
    public void Add(uint segment, uint offset, ReadOnlySpan<BlockRef> blocks, bool replace)
    {
        lock (_gate)
        {
            foreach (ref readonly var block in blocks)
            {
                var location = new BlockLocation(segment, offset, block.Length);
                if (!_index.TryAdd(block.Digest, location) && replace)
                {
                    _index.Set(block.Digest, location);
                }

                offset += (uint)block.Length;
            }
        }
    }

    /// <summary>Has copies take the place of blocks, where block and copy are still what they were.</summary>
    public void Move(ReadOnlySpan<BlockMove> moves)
    {
        lock (_gate)
        {
            foreach (ref readonly var move in moves)
            {
                if (_segments.ContainsKey(move.To.Segment) && _index.TryFind(move.Digest, out var location) && location == move.From)
                {
                    _index.Set(move.Digest, move.To);
                }
            }
        }
    }

    /// <summary>Forgets a block, so that it counts as not there.</summary>
    public void Forget(in BlockDigest digest)
    {
        lock (_gate)
        {
            _index.Remove(digest);
        }
    }

    /// <summary>Forgets the blocks that lie in a segment at or behind an offset.</summary>
    public void ForgetBehind(uint segment, long offset)
    {
        lock (_gate)
        {
            _index.RemoveWhere((_, location) => location.Segment == segment && location.Offset >= offset);
        }
    }

    /// <summary>Finds a block.</summary>
    public bool TryFind(in BlockDigest digest, out BlockLocation location)
    {
        lock (_gate)
        {
            return _index.TryFind(digest, out location);
        }
    }

    /// <summary>True when all are there.</summary>
    public bool HoldsAll(ReadOnlySpan<BlockRef> blocks)
    {
        lock (_gate)
        {
            foreach (ref readonly var block in blocks)
            {
                if (!_index.TryFind(block.Digest, out _))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Finds the first block, and how many of those behind it follow it without a gap: they are read in one go.</summary>
    /// <exception cref="BlockMissingException">The first one is not there, or has another length.</exception>
    public (Segment Segment, BlockLocation Run, int Count) FindRun(ReadOnlySpan<BlockRef> blocks)
    {
        lock (_gate)
        {
            if (!_index.TryFind(blocks[0].Digest, out var run) || run.Length != blocks[0].Length)
            {
                throw new BlockMissingException($"The block {blocks[0].Digest} of {blocks[0].Length} bytes is not in this store.");
            }

            var count = 1;
            while (
                count < blocks.Length
                && _index.TryFind(blocks[count].Digest, out var next)
                && next.Segment == run.Segment
                && next.Offset == run.Offset + run.Length
                && next.Length == blocks[count].Length
            )
            {
                run = run with { Length = run.Length + next.Length };
                count++;
            }

            return (_segments[run.Segment], run, count);
        }
    }

    /// <summary>The blocks that lie in a segment at or behind an offset, in the order of their bytes.</summary>
    public List<(BlockRef Block, uint Offset)> BlocksOf(uint segment, uint offset = 0)
    {
        var blocks = new List<(BlockRef Block, uint Offset)>();
        lock (_gate)
        {
            _index.ForEach(
                (_, digest, location) =>
                {
                    if (location.Segment == segment && location.Offset >= offset)
                    {
                        blocks.Add((new BlockRef(digest, location.Length), location.Offset));
                    }
                }
            );
        }

        blocks.Sort((a, b) => a.Offset.CompareTo(b.Offset));
        return blocks;
    }

    /// <summary>All blocks.</summary>
    public List<BlockRef> Blocks()
    {
        var blocks = new List<BlockRef>();
        lock (_gate)
        {
            _index.ForEach((_, digest, location) => blocks.Add(new BlockRef(digest, location.Length)));
        }

        return blocks;
    }

    /// <summary>Marks a block; false when it was marked before.</summary>
    public bool Mark(SegmentMarks marks, in BlockDigest digest)
    {
        lock (_gate)
        {
            // Another zone may have what is not here, and what it leads to may well be here.
            return !_index.TryFindSlot(digest, out var slot) || marks.Set(slot);
        }
    }

    /// <summary>
    /// Takes out the segments that hold nothing alive, and forgets the dead blocks of those that are to be rewritten, so that nobody relies on
    /// them any more.
    /// </summary>
    /// <param name="unchanged">Segments that nothing was appended to since the marking began.</param>
    /// <param name="marks">What is alive.</param>
    /// <returns>The segments taken out, and the numbers of those worth rewriting.</returns>
    public (List<Segment> Dead, List<uint> Thin) Sweep(IReadOnlyCollection<Segment> unchanged, SegmentMarks marks)
    {
        lock (_gate)
        {
            var live = unchanged.ToDictionary(segment => segment.Number, _ => 0L);
            _index.ForEach(
                (slot, _, location) =>
                {
                    if (marks.IsSet(slot) && live.TryGetValue(location.Segment, out var bytes))
                    {
                        live[location.Segment] = bytes + location.Length;
                    }
                }
            );
            var dead = unchanged.Where(segment => live[segment.Number] == 0).ToList();
            var thin = unchanged
                .Where(segment => live[segment.Number] > 0 && CompactionRules.IsThin(segment.Length, live[segment.Number]))
                .Select(segment => segment.Number)
                .ToHashSet();
            if (dead.Count + thin.Count == 0)
            {
                return (dead, []);
            }

            var numbers = dead.Select(segment => segment.Number).ToHashSet();
            _index.RemoveWhere(
                (slot, location) => numbers.Contains(location.Segment) || (thin.Contains(location.Segment) && !marks.IsSet(slot))
            );
            dead.ForEach(segment => _segments.Remove(segment.Number));
            return (dead, [.. thin.Order()]);
        }
    }
}

/// <summary>What a collection found alive: one bit a block, by the block's slot in the index.</summary>
internal sealed class SegmentMarks
{
    private readonly List<ulong> _bits = [];

    /// <summary>Sets a slot's bit; false when it was set before.</summary>
    public bool Set(int slot)
    {
        while (_bits.Count <= slot / 64)
        {
            _bits.Add(0);
        }

        var before = _bits[slot / 64];
        return before != (_bits[slot / 64] = before | (1UL << (slot % 64)));
    }

    /// <summary>True when a slot's bit is set.</summary>
    public bool IsSet(int slot) => slot / 64 < _bits.Count && (_bits[slot / 64] & (1UL << (slot % 64))) != 0;
}
