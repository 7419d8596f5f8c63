using Gallery.Region.Stores.Records;

namespace Gallery.Region.Stores.Zones;

/// <summary>
/// The folder of a zone: a disk, or a mount. It carries a mark that the data folder knows, so that a folder that is missing, or is another one
/// than before, is noticed and nothing is written to the wrong disk. An empty folder is taken for a new disk, and marked.
/// </summary>
/// <param name="dataPath">The node's data folder.</param>
/// <param name="number">The zone's number, from 1.</param>
/// <param name="openSegments">Opens the blocks in a folder.</param>
internal sealed class ZoneFolder(string dataPath, int number, Func<string, IBlockStore> openSegments) : IZone
{
    private const string MarkName = ".zone";
    private const string ProbeName = ".probe";
    private const string LostAndFound = "lost+found";

    private volatile string _failure = "";

    /// <inheritdoc/>
    public int Number => number;

    /// <summary>The folder.</summary>
    public string Path { get; } = System.IO.Path.Combine(dataPath, $"zone{number}");

    /// <inheritdoc/>
    public string Failure => _failure;

    private string KnownMarkPath => System.IO.Path.Combine(dataPath, $"zone{number}.id");

    private string MarkPath => System.IO.Path.Combine(Path, MarkName);

    /// <summary>Looks whether the zone can be used; makes its folder when the node is new.</summary>
    /// <returns>Why it can't; empty when it can.</returns>
    public string Check()
    {
        try
        {
            Claim();
            Probe();
            return _failure = "";
        }
        catch (IOException exception) when (Posix.IsOutOfSpace(exception))
        {
            // What is full can still be read, and freed.
            return _failure = "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return _failure = $"The folder of zone {number} can't be used: {exception.Message}";
        }
    }

    /// <inheritdoc/>
    public string Disk => Posix.DeviceOf(Path) is { } device ? $"device {device:x}" : Path;

    /// <inheritdoc/>
    public long AvailableBytes()
    {
        try
        {
            return Failure.Length == 0 ? new DriveInfo(Path).AvailableFreeSpace : 0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<StoreName> FindStores() =>
        [
            .. Directory
                .EnumerateDirectories(Path)
                .Select(folder => StoreName.TryParse(System.IO.Path.GetFileName(folder)))
                .OfType<StoreName>(),
        ];

    /// <inheritdoc/>
    public IBlockStore OpenBlocks(StoreName name) => openSegments(System.IO.Path.Combine(Path, name.ToString(), "segments"));

    /// <inheritdoc/>
    public IRecordStore Records(StoreName name) => new ZoneRecords(this, new RecordFolder(System.IO.Path.Combine(Path, name.ToString())));

    private void Claim()
    {
        var known = File.Exists(KnownMarkPath) ? File.ReadAllText(KnownMarkPath).Trim() : "";
        if (known.Length == 0)
        {
            Directory.CreateDirectory(Path);
            // The mark of a zone that was moved here from another data folder is taken over.
            known = File.Exists(MarkPath) ? File.ReadAllText(MarkPath).Trim() : $"{Guid.NewGuid():N}";
            WriteMark(known);
            File.WriteAllText(KnownMarkPath, known);
            Posix.FlushDirectory(dataPath);
            return;
        }

        if (!Directory.Exists(Path))
        {
            throw new IOException(
                File.Exists(Path)
                    ? $"{Path} is a file."
                    : $"{Path} is missing. Put the disk back, or make an empty folder there to begin anew."
            );
        }

        if (!File.Exists(MarkPath) && IsEmpty())
        {
            WriteMark(known);
        }

        var found = File.Exists(MarkPath) ? File.ReadAllText(MarkPath).Trim() : "";
        if (found != known)
        {
            throw new IOException(
                $"{Path} is not the folder it was: its mark {MarkName} is {(found.Length == 0 ? "missing" : "another one")}."
            );
        }
    }

    private bool IsEmpty() =>
        !Directory.EnumerateFileSystemEntries(Path).Any(entry => System.IO.Path.GetFileName(entry) is not (LostAndFound or ProbeName));

    private void WriteMark(string mark)
    {
        if (!File.Exists(MarkPath))
        {
            File.WriteAllText(MarkPath, mark);
            Posix.FlushDirectory(Path);
        }
    }

    private void Probe()
    {
        var probe = System.IO.Path.Combine(Path, ProbeName);
        File.WriteAllBytes(probe, [1]);
        File.Delete(probe);
    }
}
