using Microsoft.Win32.SafeHandles;

namespace Gallery.Cli.Content;

/// <summary>A file under way: it has its name only when it is complete, and leaves nothing behind when it does not get there.</summary>
internal sealed class DraftFile : IDisposable
{
    private readonly string path;
    private readonly string draft;
    private bool kept;

    private DraftFile(string path, string draft, SafeFileHandle handle)
    {
        this.path = path;
        this.draft = draft;
        Handle = handle;
    }

    /// <summary>The open file.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Opens a draft beside the file: all hole, of full length.</summary>
    /// <exception cref="CommandFailure">The folder does not exist, or may not be written to.</exception>
    public static DraftFile Create(string path, long length)
    {
        var draft = $"{path}.{Environment.ProcessId}.part";
        try
        {
            var handle = File.OpenHandle(draft, FileMode.Create, FileAccess.ReadWrite, FileShare.Read);
            RandomAccess.SetLength(handle, length);
            return new DraftFile(path, draft, handle);
        }
        catch (DirectoryNotFoundException missing)
        {
            throw CommandFailure.Failed($"There is no folder {Path.GetDirectoryName(path)}.", inner: missing);
        }
        catch (UnauthorizedAccessException denied)
        {
            throw CommandFailure.Failed($"{Path.GetDirectoryName(path)} may not be written to.", inner: denied);
        }
    }

    /// <summary>Makes it the file, in one step, once its bytes are on disk.</summary>
    public void Keep()
    {
        RandomAccess.FlushToDisk(Handle);
        File.Move(draft, path, overwrite: true);
        kept = true;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Handle.Dispose();
        if (!kept)
        {
            File.Delete(draft);
        }
    }
}
