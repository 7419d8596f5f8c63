using Gallery.Region.Formats;

namespace Gallery.Region.Tests.Formats;

/// <summary>A file in memory.</summary>
internal sealed class MemoryFile(byte[] bytes) : IRandomAccessFile
{
    public long Length => bytes.Length;

    public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var count = (int)Math.Clamp(bytes.Length - offset, 0, destination.Length);
        bytes.AsMemory((int)Math.Min(offset, bytes.Length), count).CopyTo(destination);
        return ValueTask.FromResult(count);
    }
}
