using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>Reads the entries of a table of a file in ascending order, with memory for 64 KiB of them.</summary>
/// <param name="file">The file.</param>
/// <param name="offset">Where the table begins; all of it lies within the file.</param>
/// <param name="count">Entries.</param>
/// <param name="entrySize">Bytes of an entry, a power of two.</param>
internal sealed class TableReader(IRandomAccessFile file, long offset, long count, int entrySize)
{
    private readonly byte[] _window = new byte[Math.Min(BlockLayout.BlockSize, count * entrySize)];
    private long _first = -1;

    /// <summary>The bytes of an entry, until the next is asked for.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(long index, CancellationToken cancellationToken)
    {
        var perWindow = Math.Max(1, _window.Length / entrySize);
        var within = (int)(index % perWindow);
        if (index - within != _first)
        {
            var entries = (int)Math.Min(perWindow, count - (index - within));
            await file.ReadPaddedAsync(
                offset + ((index - within) * entrySize),
                _window.AsMemory(0, entries * entrySize),
                cancellationToken
            );
            _first = index - within;
        }

        return _window.AsMemory(within * entrySize, entrySize);
    }
}
