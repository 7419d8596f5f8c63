using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Gallery.Region.Node;

/// <summary>
/// Gives the server buffers of 32 KiB in place of its 4 KiB: it makes one system call a buffer that it receives into, and disks come and go here.
/// They are kept and used again. The pool that all share keeps so few of this size that a transfer would leave more garbage than it moves blocks.
/// </summary>
internal sealed class TransferMemory : IMemoryPoolFactory<byte>
{
    private const int Size = 32 * 1024;

    /// <summary>Buffers that stay when nobody needs them: 32 MiB.</summary>
    private const int Kept = 1024;

    private readonly ArrayPool<byte> _arrays = ArrayPool<byte>.Create(Size, Kept);

    /// <inheritdoc/>
    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new Pool(_arrays);

    private sealed class Pool(ArrayPool<byte> arrays) : MemoryPool<byte>
    {
        /// <inheritdoc/>
        public override int MaxBufferSize => Shared.MaxBufferSize;

        /// <inheritdoc/>
        public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => new Buffer(arrays, Math.Max(minBufferSize, Size));

        /// <inheritdoc/>
        protected override void Dispose(bool disposing) { }
    }

    private sealed class Buffer(ArrayPool<byte> arrays, int size) : IMemoryOwner<byte>
    {
        private byte[]? _array = arrays.Rent(size);

        /// <inheritdoc/>
        public Memory<byte> Memory => _array;

        /// <inheritdoc/>
        public void Dispose()
        {
            if (Interlocked.Exchange(ref _array, null) is { } array)
            {
                arrays.Return(array);
            }
        }
    }
}
