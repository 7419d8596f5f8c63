using Gallery.Region.Blocks;

namespace Gallery.Region.Serving;

/// <summary>
/// The memory of the block cache: slots of one block's size, cut from chunks outside the garbage collector's heap. Used under the cache's lock.
/// </summary>
/// <param name="limit">Bytes that all slots may take together; less than a block's for none.</param>
internal sealed class CacheMemory(long limit)
{
    private const int SlotsPerChunk = 64;

    private readonly List<AlignedMemory> _chunks = [];
    private readonly Stack<Memory<byte>> _free = new();
    private int _made;

    /// <summary>Slots that there may be.</summary>
    public int Capacity { get; } = (int)Math.Min(int.MaxValue, limit / BlockLayout.BlockSize);

    /// <summary>Bytes that it takes up.</summary>
    public long Bytes => (long)_chunks.Count * SlotsPerChunk * BlockLayout.BlockSize;

    /// <summary>A free slot; false when all are out.</summary>
    public bool TryRent(out Memory<byte> slot)
    {
        if (_free.Count == 0 && _made < Capacity)
        {
            AddChunk();
        }

        return _free.TryPop(out slot);
    }

    /// <summary>A slot beyond the limit, for a reader that must go on while all others are in use.</summary>
    public static Memory<byte> RentBeyond() => new byte[BlockLayout.BlockSize];

    /// <summary>Takes a slot back.</summary>
    public void Return(Memory<byte> slot)
    {
        // One from beyond the limit is the collector's.
        if (!System.Runtime.InteropServices.MemoryMarshal.TryGetArray<byte>(slot, out _))
        {
            _free.Push(slot);
        }
    }

    /// <summary>Gives all memory back, if no slot is out.</summary>
    public void Trim()
    {
        if (_free.Count == _made)
        {
            _free.Clear();
            _chunks.ForEach(chunk => ((IDisposable)chunk).Dispose());
            _chunks.Clear();
            _made = 0;
        }
    }

    private void AddChunk()
    {
        var slots = Math.Min(SlotsPerChunk, Capacity - _made);
        var chunk = new AlignedMemory(slots * BlockLayout.BlockSize);
        _chunks.Add(chunk);
        _made += slots;
        for (var slot = 0; slot < slots; slot++)
        {
            _free.Push(chunk.Memory.Slice(slot * BlockLayout.BlockSize, BlockLayout.BlockSize));
        }
    }
}
