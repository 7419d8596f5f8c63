using System.Runtime.InteropServices;

namespace Gallery.Region.Formats;

/// <summary>A run of a file.</summary>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">Its length in bytes; 0 for none.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FileRun(long Offset, long Length)
{
    /// <summary>First byte behind it.</summary>
    public long End => Offset + Length;
}

/// <summary>
/// A file that a disk is read from, at any offset: blocks that were uploaded, a local file, a remote one. Format readers see nothing else of it,
/// and ask for one range at a time.
/// </summary>
internal interface IRandomAccessFile
{
    /// <summary>Bytes of the file. Does not change while it is read.</summary>
    long Length { get; }

    /// <summary>Reads from an offset.</summary>
    /// <returns>Bytes read: at least one unless the destination is empty or the offset is at the end of the file or behind it.</returns>
    ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>
    /// The first run of data at or behind an offset, so that holes need not be read; what lies before it is all zero. A file that keeps no map of
    /// its holes is one run. Length 0 when only zeros follow.
    /// </summary>
    ValueTask<FileRun> NextDataAsync(long offset, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new FileRun(offset, Math.Max(0, Length - offset)));
}

/// <summary>What format readers do with files.</summary>
internal static class RandomAccessFiles
{
    /// <summary>Fills the destination; what lies behind the end of the file reads as zeros.</summary>
    public static async ValueTask ReadPaddedAsync(
        this IRandomAccessFile file,
        long offset,
        Memory<byte> destination,
        CancellationToken cancellationToken
    )
    {
        while (destination.Length > 0)
        {
            var read = offset < file.Length ? await file.ReadAsync(offset, destination, cancellationToken) : 0;
            if (read == 0)
            {
                destination.Span.Clear();
                return;
            }

            offset += read;
            destination = destination[read..];
        }
    }

    /// <summary>Reads a structure that must lie within the file.</summary>
    /// <exception cref="InvalidDiskFormatException">It does not.</exception>
    public static async ValueTask<byte[]> ReadStructureAsync(
        this IRandomAccessFile file,
        long offset,
        int length,
        string what,
        CancellationToken cancellationToken
    )
    {
        if (offset < 0 || offset > file.Length - length)
        {
            throw new InvalidDiskFormatException(
                $"{what} should stand at offset {offset}, {length} bytes long, and the file has {file.Length} bytes: it is cut off or damaged."
            );
        }

        var bytes = new byte[length];
        await file.ReadPaddedAsync(offset, bytes, cancellationToken);
        return bytes;
    }
}
