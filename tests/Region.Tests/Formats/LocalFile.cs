using Gallery.Region.Formats;
using Gallery.Region.Stores;
using Microsoft.Win32.SafeHandles;

namespace Gallery.Region.Tests.Formats;

/// <summary>A file on disk, with the map that the file system keeps of its holes.</summary>
internal sealed class LocalFile(string path) : IRandomAccessFile, IDisposable
{
    private readonly SafeFileHandle _handle = File.OpenHandle(path);

    public long Length => RandomAccess.GetLength(_handle);

    public ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken) =>
        RandomAccess.ReadAsync(_handle, destination, offset, cancellationToken);

    public ValueTask<FileRun> NextDataAsync(long offset, CancellationToken cancellationToken) =>
        ValueTask.FromResult(
            Posix.TryFindData(_handle, offset, Length, out var start, out var end) ? new FileRun(start, end - start) : default
        );

    public void Dispose() => _handle.Dispose();
}
