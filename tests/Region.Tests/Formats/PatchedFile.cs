using System.Buffers.Binary;
using Gallery.Region.Formats;

namespace Gallery.Region.Tests.Formats;

/// <summary>A file in memory with some of its bytes changed and its end perhaps cut off, without a copy of it. Counts what is read.</summary>
internal sealed class PatchedFile(byte[] original) : IRandomAccessFile
{
    private readonly List<(long Offset, byte[] Bytes)> _patches = [];

    public long Length { get; private set; } = original.Length;

    /// <summary>Bytes that were read so far.</summary>
    public long ReadBytes { get; private set; }

    public void Cut(long length) => Length = Math.Min(length, original.Length);

    /// <summary>Changes bytes; what lies outside the file is left out.</summary>
    public void Patch(long offset, params byte[] bytes)
    {
        if (offset >= 0 && offset + bytes.Length <= original.Length)
        {
            _patches.Add((offset, bytes));
        }
    }

    /// <summary>Changes a number of four bytes.</summary>
    public void Patch(long offset, uint value, bool littleEndian)
    {
        var bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, littleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);
        Patch(offset, bytes);
    }

    /// <summary>Changes a number of eight bytes.</summary>
    public void Patch(long offset, ulong value, bool littleEndian)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, littleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);
        Patch(offset, bytes);
    }

    /// <summary>What stands there now.</summary>
    public byte[] Peek(long offset, int length)
    {
        var bytes = new byte[length];
        Copy(offset, bytes);
        return bytes;
    }

    public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var count = (int)Math.Clamp(Length - offset, 0, destination.Length);
        Copy(offset, destination.Span[..count]);
        ReadBytes += count;
        return ValueTask.FromResult(count);
    }

    private void Copy(long offset, Span<byte> destination)
    {
        original.AsSpan((int)offset, destination.Length).CopyTo(destination);
        foreach (var (at, bytes) in _patches)
        {
            var first = Math.Max(at, offset);
            var end = Math.Min(at + bytes.Length, offset + destination.Length);
            if (first < end)
            {
                bytes.AsSpan((int)(first - at), (int)(end - first)).CopyTo(destination[(int)(first - offset)..]);
            }
        }
    }
}
