using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using Gallery.Region.Blocks;
using Gallery.Region.Stores.Segments;

namespace Gallery.Region.Stores.Objects;

/// <summary>
/// Blocks on object storage. A batch becomes one object, a pack: a header page as segment files have it, and the blocks behind it. A pack is
/// never changed; it is durable once written, so there is nothing to flush. The index lies in memory and is rebuilt from the packs' headers,
/// most of which are read from a few index objects.
/// </summary>
internal sealed partial class ObjectStore : IBlockStore
{
    private const int ReadAtOnce = 8;
    private const int HeadersAtOnce = 16;

    // A pack's number is a random part of 12 bits, new for each process that opens the store, and a running one: two that have it open at once
    // don't take each other's names, even on a storage that can't tell whether a name is taken.
    private const int RunningBits = 20;

    private readonly IObjectBucket _bucket;
    private readonly string _prefix;
    private readonly CapacityBudget _capacity;
    private readonly PackIndexes _indexes;
    private readonly BlockIndex _index = new();
    private readonly Dictionary<uint, long> _packs = [];
    private readonly Dictionary<uint, byte[]> _unlisted = [];
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _collecting = new(1, 1);
    private readonly SemaphoreSlim _listing = new(1, 1);
    private readonly byte[] _owner = Guid.NewGuid().ToByteArray();
    private readonly HashSet<uint> _beginnings = [];
    private readonly int _packsPerIndex;
    private uint _nextNumber;
    private long _usedBytes;

    private ObjectStore(IObjectBucket bucket, string prefix, CapacityBudget capacity, int packsPerIndex)
    {
        _packsPerIndex = packsPerIndex;
        _bucket = bucket;
        _prefix = prefix;
        _capacity = capacity;
        _indexes = new PackIndexes(bucket, prefix);
    }

    /// <inheritdoc/>
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

    /// <inheritdoc/>
    public long UsedBytes => Interlocked.Read(ref _usedBytes);

    private string OwnerKey => _prefix + "owner";

    /// <summary>Opens the store below a prefix and reads what is in it.</summary>
    /// <exception cref="ObjectStorageException">The storage does not answer.</exception>
    public static async Task<ObjectStore> OpenAsync(
        IObjectBucket bucket,
        string prefix,
        CapacityBudget capacity,
        int packsPerIndex = PackIndexes.PacksPerIndex
    )
    {
        var store = new ObjectStore(bucket, prefix, capacity, packsPerIndex);
        await store.LoadAsync();
        return store;
    }

    /// <inheritdoc/>
    public bool TryGetLength(in BlockDigest digest, out int length)
    {
        lock (_gate)
        {
            var found = _index.TryFind(digest, out var location);
            length = location.Length;
            return found;
        }
    }

    /// <inheritdoc/>
    public bool Holds(in BlockDigest digest) => TryGetLength(digest, out _);

    /// <inheritdoc/>
    public async ValueTask ReadAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var runs = PlanRuns(blocks.Span);
        if (runs.Count == 1)
        {
            await ReadRunAsync(runs[0], blocks, destination, cancellationToken);
            return;
        }

        var options = new ParallelOptions { MaxDegreeOfParallelism = ReadAtOnce, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(runs, options, async (run, token) => await ReadRunAsync(run, blocks, destination, token));
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(BlockBatch batch, CancellationToken cancellationToken)
    {
        if (!HoldsAll(batch.Entries.Span))
        {
            await WritePackAsync(batch.Entries, batch.Data, cancellationToken);
            await ListPacksAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _capacity.Give(Interlocked.Exchange(ref _usedBytes, 0));
        return ValueTask.CompletedTask;
    }

    private string KeyOf(uint pack) => string.Create(CultureInfo.InvariantCulture, $"{_prefix}packs/{pack:x8}");

    private void AddToIndex(uint number, ReadOnlySpan<BlockRef> blocks)
    {
        var offset = (uint)GroupHeader.Size;
        lock (_gate)
        {
            foreach (ref readonly var block in blocks)
            {
                _index.TryAdd(block.Digest, new BlockLocation(number, offset, block.Length));
                offset += (uint)block.Length;
            }
        }
    }

    private bool HoldsAll(ReadOnlySpan<BlockRef> blocks)
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

    /// <summary>Writes one pack and shows its blocks; blocks that are there already keep their place.</summary>
    private async Task<uint> WritePackAsync(ReadOnlyMemory<BlockRef> blocks, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var size = GroupHeader.Size + data.Length;
        _capacity.Take(size);
        var body = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            data.CopyTo(body.AsMemory(GroupHeader.Size));
            uint number;
            do
            {
                number = TakeNumber();
                GroupHeader.Write(body.AsSpan(0, GroupHeader.Size), number, 0, 0, blocks.Span, data.Length);
            } while (!await _bucket.TryCreateAsync(KeyOf(number), body.AsMemory(0, size), cancellationToken));

            lock (_gate)
            {
                _packs.Add(number, size);
                _unlisted.Add(number, body[..GroupHeader.Size]);
            }

            Interlocked.Add(ref _usedBytes, size);
            AddToIndex(number, blocks.Span);
            return number;
        }
        catch
        {
            _capacity.Give(size);
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }

    private uint TakeNumber()
    {
        lock (_gate)
        {
            while ((_nextNumber & ((1u << RunningBits) - 1)) == 0)
            {
                _nextNumber = (uint)Random.Shared.Next(1 << (32 - RunningBits)) << RunningBits;
                _nextNumber += _beginnings.Add(_nextNumber >> RunningBits) ? 1u : 0u;
            }

            return _nextNumber++;
        }
    }

    /// <summary>Blocks that follow each other in a pack and in what was asked for are read in one go.</summary>
    private List<Run> PlanRuns(ReadOnlySpan<BlockRef> blocks)
    {
        var runs = new List<Run>();
        var at = 0;
        lock (_gate)
        {
            for (var i = 0; i < blocks.Length; i++)
            {
                var location = Find(blocks[i]);
                var last = runs.Count > 0 ? runs[^1] : default;
                if (runs.Count > 0 && last.Pack == location.Segment && last.Offset + last.Length == location.Offset)
                {
                    runs[^1] = last with { Count = last.Count + 1, Length = last.Length + location.Length };
                }
                else
                {
                    runs.Add(new Run(location.Segment, location.Offset, location.Length, i, 1, at));
                }

                at += location.Length;
            }
        }

        return runs;
    }

    private BlockLocation Find(in BlockRef block) =>
        _index.TryFind(block.Digest, out var location) && location.Length == block.Length ? location : throw Missing(block.Digest);

    private BlockMissingException Missing(in BlockDigest digest) => new($"The block {digest} is not in {_bucket.Name}/{_prefix}.");

    private async ValueTask ReadRunAsync(
        Run run,
        ReadOnlyMemory<BlockRef> blocks,
        Memory<byte> destination,
        CancellationToken cancellationToken
    )
    {
        var bytes = destination.Slice(run.At, run.Length);
        var refs = blocks.Slice(run.First, run.Count);
        if (!await _bucket.TryReadAsync(KeyOf(run.Pack), run.Offset, bytes, cancellationToken))
        {
            await ReadMovedAsync(run, refs, bytes, cancellationToken);
        }

        foreach (ref readonly var block in refs.Span)
        {
            if (BlockDigest.Of(bytes.Span[..block.Length]) != block.Digest)
            {
                throw new BlockCorruptException($"A block in {_bucket.Name}/{KeyOf(run.Pack)} does not have its digest {block.Digest}.");
            }

            bytes = bytes[block.Length..];
        }
    }

    /// <summary>A collection may have moved the blocks to another pack between the look-up and the read; then they are found there.</summary>
    private async ValueTask ReadMovedAsync(Run run, ReadOnlyMemory<BlockRef> refs, Memory<byte> bytes, CancellationToken cancellationToken)
    {
        foreach (var moved in PlanRuns(refs.Span))
        {
            if (
                moved.Pack == run.Pack
                || !await _bucket.TryReadAsync(KeyOf(moved.Pack), moved.Offset, bytes.Slice(moved.At, moved.Length), cancellationToken)
            )
            {
                throw Missing(refs.Span[moved.First].Digest);
            }
        }
    }

    /// <summary>Blocks to be read in one go.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Run(uint Pack, long Offset, int Length, int First, int Count, int At);
}
