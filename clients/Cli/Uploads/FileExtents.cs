using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Gallery.Cli.Uploads;

/// <summary>A stretch of a file.</summary>
/// <param name="Offset">Its first byte.</param>
/// <param name="Length">Its length in bytes.</param>
internal readonly record struct Extent(long Offset, long Length)
{
    /// <summary>The byte behind it.</summary>
    public long End => Offset + Length;
}

/// <summary>
/// Finds where a sparse file has data, so that holes are not even read. Asks the file system on Linux; where that is not possible the whole
/// file counts as data, and zeros are found by reading.
/// </summary>
internal static partial class FileExtents
{
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const int NoSuchAddress = 6; // ENXIO: no data behind the offset.

    /// <summary>The stretches with data, in order, widened to whole blocks and joined where they touch.</summary>
    /// <param name="file">The open file. Its position is moved.</param>
    /// <param name="length">Its length.</param>
    /// <param name="blockSize">The size of a block.</param>
    public static IEnumerable<Extent> WithData(SafeFileHandle file, long length, int blockSize)
    {
        var pending = default(Extent);
        foreach (var extent in Raw(file, length))
        {
            var start = extent.Offset / blockSize * blockSize;
            var end = Math.Min(length, (extent.End + blockSize - 1) / blockSize * blockSize);
            if (pending.Length > 0 && start <= pending.End)
            {
                pending = pending with { Length = Math.Max(end, pending.End) - pending.Offset };
                continue;
            }

            if (pending.Length > 0)
            {
                yield return pending;
            }

            pending = new Extent(start, end - start);
        }

        if (pending.Length > 0)
        {
            yield return pending;
        }
    }

    private static IEnumerable<Extent> Raw(SafeFileHandle file, long length)
    {
        if (!OperatingSystem.IsLinux())
        {
            return [new Extent(0, length)];
        }

        return Asked(file, length);
    }

    private static IEnumerable<Extent> Asked(SafeFileHandle file, long length)
    {
        var at = 0L;
        while (at < length)
        {
            var data = Seek(file, at, SeekData);
            if (data < 0)
            {
                if (Marshal.GetLastPInvokeError() != NoSuchAddress)
                {
                    yield return new Extent(at, length - at); // The file system can't tell: read it all.
                }

                yield break;
            }

            var hole = Seek(file, data, SeekHole);
            var end = hole < 0 ? length : Math.Min(hole, length);
            if (end <= data)
            {
                yield break; // The file has become shorter; the reader will notice.
            }

            yield return new Extent(data, end - data);
            at = end;
        }
    }

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(SafeFileHandle file, long offset, int whence);
}
