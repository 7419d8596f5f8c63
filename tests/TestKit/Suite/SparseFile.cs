using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Gallery.TestKit.Suite;

/// <summary>Finds where a sparse file has data, so that its holes need not be read: each would take up memory of the system.</summary>
internal static partial class SparseFile
{
    private const int SeekData = 3;
    private const int NoSuchAddress = 6; // ENXIO: no data behind the offset.

    /// <summary>The first byte at or behind an offset that may be other than zero; the file's length when there is none.</summary>
    public static long NextData(SafeFileHandle file, long offset)
    {
        if (!OperatingSystem.IsLinux())
        {
            return offset;
        }

        var data = Seek(file, offset, SeekData);
        return data >= 0 ? data
            : Marshal.GetLastPInvokeError() == NoSuchAddress ? Math.Max(offset, RandomAccess.GetLength(file))
            : offset;
    }

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long Seek(SafeFileHandle file, long offset, int whence);
}
