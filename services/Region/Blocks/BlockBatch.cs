namespace Gallery.Region.Blocks;

/// <summary>
/// Some verified blocks on their way to a store, back to back in one page-aligned buffer: the unit in which stores write.
/// Whoever adds a block has checked its bytes against its digest.
/// </summary>
internal sealed class BlockBatch : IDisposable
{
    /// <summary>Bytes that fit.</summary>
    public const int Capacity = 4 * 1024 * 1024;

    /// <summary>Blocks that fit, however small they are.</summary>
    public const int MaxCount = 112;

    private readonly BlockBatchPool _pool;
    private readonly AlignedMemory _buffer;
    private readonly BlockRef[] _entries = new BlockRef[MaxCount];
    private BatchShare? _share;
    private bool _rented;

    /// <summary>Makes a batch that goes back to the pool when disposed of.</summary>
    public BlockBatch(BlockBatchPool pool)
    {
        _pool = pool;
        _buffer = new AlignedMemory(Capacity);
    }

    /// <summary>Number of blocks in it.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes in it.</summary>
    public int Length { get; private set; }

    /// <summary>The blocks, in the order of their bytes.</summary>
    public ReadOnlyMemory<BlockRef> Entries => _entries.AsMemory(0, Count);

    /// <summary>The bytes of all blocks.</summary>
    public ReadOnlyMemory<byte> Data => _buffer.Memory[..Length];

    /// <summary>The bytes of all blocks, and zeros up to a multiple of a page, as a store writes them.</summary>
    public ReadOnlyMemory<byte> Padded
    {
        get
        {
            var padded = (Length + AlignedMemory.PageSize - 1) / AlignedMemory.PageSize * AlignedMemory.PageSize;
            _buffer.Memory.Span[Length..padded].Clear();
            return _buffer.Memory[..padded];
        }
    }

    /// <summary>The whole buffer: readers that fill several blocks at once write behind <see cref="Length"/>.</summary>
    public Memory<byte> Free => _buffer.Memory[Length..];

    /// <summary>True while a block of so many bytes fits.</summary>
    public bool HasRoomFor(int length) => Count < MaxCount && Length + length <= Capacity;

    /// <summary>Adds the block whose verified bytes stand at the beginning of <see cref="Free"/>.</summary>
    public void Add(in BlockDigest digest, int length)
    {
        ObjectDisposedException.ThrowIf(!_rented, this);
        _entries[Count++] = new BlockRef(digest, length);
        Length += length;
    }

    /// <summary>Copies a verified block in.</summary>
    public void Add(in BlockDigest digest, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Free.Span);
        Add(digest, bytes.Length);
    }

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        Count = 0;
        Length = 0;
    }

    /// <summary>Gives it back to its pool.</summary>
    public void Dispose()
    {
        if (_rented)
        {
            _rented = false;
            var share = _share;
            _share = null;
            _pool.Return(this);
            share?.Release();
        }
    }

    internal void CountIn(BatchShare share) => _share = share;

    internal void MarkRented()
    {
        _rented = true;
        Clear();
    }

    internal void Release() => ((IDisposable)_buffer).Dispose();
}
