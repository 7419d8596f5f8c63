using System.Runtime.InteropServices;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;
using Microsoft.Win32.SafeHandles;

namespace Gallery.Region.Uploads;

/// <summary>
/// Which block stands where in a file on its way in: 32 bytes of digest for each position, in a sparse file of its own, so that a map of any
/// size takes no memory and survives a crash. Zeros mean: nothing was declared there, so it is a hole.
/// </summary>
internal sealed class BlockMap : IDisposable
{
    private const int DigestsPerRead = 4096;
    private readonly SafeFileHandle _file;
    private readonly string _path;

    private BlockMap(string path, SafeFileHandle file, long blockCount)
    {
        _path = path;
        _file = file;
        BlockCount = blockCount;
    }

    /// <summary>Positions of the file.</summary>
    public long BlockCount { get; }

    /// <summary>Opens a map, or makes an empty one.</summary>
    public static BlockMap Open(string path, long blockCount)
    {
        var isNew = !File.Exists(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        if (isNew)
        {
            RandomAccess.SetLength(file, blockCount * BlockDigest.Size);
            RandomAccess.FlushToDisk(file);
            Posix.FlushDirectory(Path.GetDirectoryName(path)!);
        }

        return new BlockMap(path, file, blockCount);
    }

    /// <summary>Notes digests; durable when the call returns.</summary>
    /// <param name="blocks">Positions and digests, ascending by position.</param>
    public void Declare(ReadOnlySpan<KeyValuePair<long, BlockDigest>> blocks)
    {
        var run = new List<BlockDigest>(blocks.Length);
        try
        {
            for (var i = 0; i < blocks.Length; i++)
            {
                run.Add(blocks[i].Value);
                if (i + 1 == blocks.Length || blocks[i + 1].Key != blocks[i].Key + 1)
                {
                    var first = blocks[i].Key - run.Count + 1;
                    RandomAccess.Write(_file, MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(run)), first * BlockDigest.Size);
                    run.Clear();
                }
            }

            RandomAccess.FlushToDisk(_file);
        }
        catch (IOException exception) when (Posix.IsOutOfSpace(exception))
        {
            throw new StorageExhaustedException($"There is no room left for {_path}.", exception);
        }
    }

    /// <summary>The digest at a position; the default value when none was declared.</summary>
    public BlockDigest this[long index]
    {
        get
        {
            BlockDigest digest = default;
            RandomAccess.Read(_file, MemoryMarshal.AsBytes(new Span<BlockDigest>(ref digest)), index * BlockDigest.Size);
            return digest;
        }
    }

    /// <summary>The digests from a position on; default values where none was declared.</summary>
    public void Read(long first, Span<BlockDigest> digests) =>
        RandomAccess.Read(_file, MemoryMarshal.AsBytes(digests), first * BlockDigest.Size);

    /// <summary>
    /// The first run of positions at or behind one that may be declared; what lies before it is not. False when none is. Exact to what the file
    /// system keeps of holes, some hundred positions.
    /// </summary>
    public bool TryFindDeclared(long index, out long first, out long end)
    {
        var found = Posix.TryFindData(_file, index * BlockDigest.Size, BlockCount * BlockDigest.Size, out var start, out var behind);
        first = start / BlockDigest.Size;
        end = Math.Min(BlockCount, (behind + BlockDigest.Size - 1) / BlockDigest.Size);
        return found;
    }

    /// <summary>All declared positions in ascending order. Costs what was declared, not the size of the file.</summary>
    public IEnumerable<KeyValuePair<long, BlockDigest>> Declared()
    {
        var buffer = new BlockDigest[DigestsPerRead];
        var length = BlockCount * BlockDigest.Size;
        for (long at = 0; Posix.TryFindData(_file, at, length, out var start, out var end); at = end)
        {
            for (var first = start / BlockDigest.Size; first * BlockDigest.Size < end; first += DigestsPerRead)
            {
                var count = (int)Math.Min(DigestsPerRead, BlockCount - first);
                RandomAccess.Read(_file, MemoryMarshal.AsBytes(buffer.AsSpan(0, count)), first * BlockDigest.Size);
                for (var i = 0; i < count && (first + i) * BlockDigest.Size < end; i++)
                {
                    if (!buffer[i].IsHole)
                    {
                        yield return new(first + i, buffer[i]);
                    }
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
