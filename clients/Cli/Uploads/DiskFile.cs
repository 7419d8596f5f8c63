using Microsoft.Win32.SafeHandles;

namespace Gallery.Cli.Uploads;

/// <summary>The file that is being published, and the proof that nobody wrote to it meanwhile.</summary>
internal sealed class DiskFile : IDisposable
{
    private readonly DateTime modified;

    private DiskFile(string path, SafeFileHandle handle)
    {
        Path = path;
        Handle = handle;
        Length = RandomAccess.GetLength(handle);
        modified = File.GetLastWriteTimeUtc(handle);
    }

    /// <summary>Where it is.</summary>
    public string Path { get; }

    /// <summary>Its name without folders.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>The open file.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Its length in bytes, as it was opened.</summary>
    public long Length { get; }

    /// <summary>When it was written to last, as it was opened.</summary>
    public DateTime Modified => modified;

    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="CommandFailure">There is no such file, or it can't be a disk.</exception>
    public static DiskFile Open(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(full))
        {
            throw CommandFailure.Usage($"{path} is a folder; a disk is a file.");
        }

        try
        {
            var handle = File.OpenHandle(full, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.None);
            return new DiskFile(full, handle);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CommandFailure.Failed($"There is no file {path}.", inner: missing);
        }
        catch (UnauthorizedAccessException denied)
        {
            throw CommandFailure.Failed($"{path} may not be read.", "Check its permissions.", denied);
        }
        catch (NotSupportedException special)
        {
            throw CommandFailure.Failed($"{path} is not a regular file.", "Copy it into one first.", special);
        }
    }

    /// <summary>Reads exactly so many bytes.</summary>
    /// <exception cref="CommandFailure">The file has become shorter.</exception>
    public void Read(long offset, Span<byte> into)
    {
        while (into.Length > 0)
        {
            var read = RandomAccess.Read(Handle, into, offset);
            if (read == 0)
            {
                throw Changed();
            }

            into = into[read..];
            offset += read;
        }
    }

    /// <summary>Refuses the file when it was written to since it was opened.</summary>
    /// <exception cref="CommandFailure">It was.</exception>
    public void RequireUnchanged()
    {
        if (RandomAccess.GetLength(Handle) != Length || File.GetLastWriteTimeUtc(Handle) != modified)
        {
            throw Changed();
        }
    }

    /// <inheritdoc />
    public void Dispose() => Handle.Dispose();

    private CommandFailure Changed() =>
        CommandFailure.Failed(
            $"{Path} was changed while it was being read.",
            "Publish it again when nothing writes to it; a disk in use must be copied or frozen first."
        );
}
