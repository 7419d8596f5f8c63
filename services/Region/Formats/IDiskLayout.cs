using System.Runtime.InteropServices;
using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Formats;

/// <summary>How the bytes of a run stand in the file.</summary>
internal enum RunEncoding
{
    /// <summary>As they are.</summary>
    Plain,

    /// <summary>Compressed with deflate, without a header.</summary>
    Deflate,

    /// <summary>Compressed with Zstandard.</summary>
    Zstd,
}

/// <summary>A run of a disk and where its bytes stand in the file.</summary>
/// <param name="DiskOffset">Its first byte in the disk, a multiple of 512.</param>
/// <param name="Length">Its length in the disk, in bytes. A compressed run is one cluster, at most 2 MiB.</param>
/// <param name="FileOffset">Where in the file it begins.</param>
/// <param name="StoredLength">The most bytes of the file that it takes up.</param>
/// <param name="Encoding">How they are to be read.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DiskRun(long DiskOffset, long Length, long FileOffset, long StoredLength, RunEncoding Encoding)
{
    /// <summary>A run that stands in the file as it is.</summary>
    public static DiskRun Plain(long diskOffset, long length, long fileOffset) =>
        new(diskOffset, length, fileOffset, length, RunEncoding.Plain);
}

/// <summary>A disk as it lies in a file. Its headers were read and checked; its tables are read as the runs are asked for.</summary>
internal interface IDiskLayout
{
    /// <summary>The format of the file.</summary>
    DiskFormat Format { get; }

    /// <summary>Bytes of the disk, a multiple of 512.</summary>
    long VirtualSize { get; }

    /// <summary>
    /// Runs of the disk that may hold data, in ascending order, none overlapping another in the disk. All else of the disk is zeros. Takes memory
    /// for one table at a time, and names no more bytes of the file than it has.
    /// </summary>
    /// <exception cref="InvalidDiskFormatException">A table is damaged.</exception>
    IAsyncEnumerable<DiskRun> RunsAsync(CancellationToken cancellationToken);
}
