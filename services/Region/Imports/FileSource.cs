using Gallery.Region.Formats;
using Gallery.Region.Stores;
using Microsoft.Win32.SafeHandles;

namespace Gallery.Region.Imports;

/// <summary>A file of the node's machine, below one of the allowed folders. Its holes are not read.</summary>
internal sealed class FileSource : IImportSource
{
    private readonly ImportUri _uri;
    private readonly SafeFileHandle _file;

    private FileSource(ImportUri uri, SafeFileHandle file)
    {
        _uri = uri;
        _file = file;
        Length = RandomAccess.GetLength(file);
        Version = VersionNow();
    }

    /// <inheritdoc/>
    public long Length { get; }

    /// <inheritdoc/>
    public string Version { get; }

    /// <summary>Opens a file.</summary>
    /// <exception cref="RegionException">It lies outside the allowed folders, is not there, or is no ordinary file.</exception>
    public static FileSource Open(ImportUri uri, IEnumerable<string> folders)
    {
        var path = uri.Secret.LocalPath;
        RequireAllowed(uri, Path.GetFullPath(path), folders);
        SafeFileHandle file;
        try
        {
            // Opening a pipe would wait for its other end: looked at first.
            if (!File.Exists(path) || !IsOrdinary(path))
            {
                throw ImportErrors.NotUsable($"There is no ordinary file {uri}, or nothing in it.");
            }

            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.Asynchronous);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ImportErrors.NotUsable($"{uri} can't be read: {exception.Message}");
        }

        try
        {
            // What the handle really leads to decides: no link, and none that is exchanged meanwhile, leads out of the folders.
            var real = new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").ResolveLinkTarget(returnFinalTarget: false)?.FullName;
            RequireAllowed(uri, real ?? path, folders.Select(Resolve));
            return new FileSource(uri, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<int> ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        int read;
        try
        {
            read = await RandomAccess.ReadAsync(_file, destination, offset, cancellationToken);
        }
        catch (IOException exception)
        {
            throw new SourceAwayException($"{_uri} can't be read: {exception.Message}");
        }

        return VersionNow() == Version ? read : throw ImportErrors.Changed(_uri);
    }

    /// <inheritdoc/>
    public ValueTask<FileRun> NextDataAsync(long offset, CancellationToken cancellationToken) =>
        ValueTask.FromResult(
            Posix.TryFindData(_file, offset, Length, out var start, out var end) ? new FileRun(start, end - start) : new FileRun(Length, 0)
        );

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        return ValueTask.CompletedTask;
    }

    private static bool IsOrdinary(string path)
    {
        var target = new FileInfo(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);
        return target.Exists && (target.Attributes & (FileAttributes.Device | FileAttributes.Directory)) == 0 && target.Length > 0;
    }

    private static void RequireAllowed(ImportUri uri, string path, IEnumerable<string> folders)
    {
        if (!folders.Any(folder => path.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal)))
        {
            throw ImportErrors.NotAllowed($"{uri} does not lie below a folder that this region imports from (Imports:Folders).");
        }
    }

    /// <summary>The folder itself may be reached by links; it is the operator's.</summary>
    private static string Resolve(string folder)
    {
        var path = "/";
        foreach (var part in Path.GetFullPath(folder).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            path = Path.Combine(path, part);
            path = Directory.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }

        return path;
    }

    private string VersionNow() => $"{RandomAccess.GetLength(_file)} {File.GetLastWriteTimeUtc(_file).Ticks}";
}
