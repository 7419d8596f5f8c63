using System.Buffers;
using System.Runtime.InteropServices;

namespace Gallery.Region.Blocks;

/// <summary>
/// Memory outside the garbage collector's heap, at a page boundary: never moved, not zeroed, and given back to the system when disposed of.
/// </summary>
/// <param name="length">How many bytes.</param>
internal sealed unsafe class AlignedMemory(int length) : MemoryManager<byte>
{
    /// <summary>Bytes of a page, as far as files are concerned.</summary>
    public const int PageSize = 4096;

    private void* _pointer = NativeMemory.AlignedAlloc((nuint)length, PageSize);

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => new(_pointer, _pointer == null ? 0 : length);

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)_pointer + elementIndex);

    /// <inheritdoc/>
    public override void Unpin() { }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        NativeMemory.AlignedFree(_pointer);
        _pointer = null;
    }
}
