using Gallery.Region.Blocks;
using Microsoft.Win32.SafeHandles;

namespace Gallery.Region.Stores.Segments;

/// <summary>
/// One append-only file of groups. Appends come one at a time (the store sees to it); reads may come at any time.
/// </summary>
internal sealed class Segment : IDisposable
{
    private readonly SafeFileHandle _file;
    private SafeFileHandle? _direct;
    private bool _broken;

    private Segment(uint number, string path, SafeFileHandle file, long length)
    {
        Number = number;
        Path = path;
        _file = file;
        _direct = Posix.TryOpenDirect(path);
        Length = length;
    }

    /// <summary>Its number; files are named by it.</summary>
    public uint Number { get; }

    /// <summary>Its file.</summary>
    public string Path { get; }

    /// <summary>Bytes of whole groups.</summary>
    public long Length { get; private set; }

    /// <summary>Everything before this offset is on stable storage.</summary>
    public long DurableLength { get; private set; }

    /// <summary>True when it was opened with blocks of which nobody knows whether they reached stable storage.</summary>
    public bool NeedsFlush { get; private init; }

    /// <summary>True when nothing may be appended any more: a failed write could not be taken back, or what was written may be lost.</summary>
    public bool IsBroken => _broken;

    /// <summary>Makes a new, empty file.</summary>
    public static Segment Create(string folder, uint number)
    {
        var path = PathOf(folder, number);
        return new Segment(number, path, File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite), 0);
    }

    /// <summary>Opens an existing file and reads what is in it.</summary>
    /// <param name="folder">Where it lies.</param>
    /// <param name="number">Its number.</param>
    /// <param name="truncate">True to cut off what an interrupted write left at its end.</param>
    /// <param name="visit">Called for each whole group in order.</param>
    public static Segment Open(string folder, uint number, bool truncate, Action<Group> visit)
    {
        var path = PathOf(folder, number);
        var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        try
        {
            var (end, durable, unmarked) = SegmentScanner.Scan(file, number, visit);
            var length = RandomAccess.GetLength(file);
            if (truncate && end < length)
            {
                RandomAccess.SetLength(file, end);
                length = end;
            }

            return new Segment(number, path, file, length) { DurableLength = unmarked ? durable : length, NeedsFlush = unmarked };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Numbers of the segment files in a folder, ascending.</summary>
    public static uint[] List(string folder)
    {
        var numbers = new List<uint>();
        foreach (var path in Directory.EnumerateFiles(folder, "*.seg"))
        {
            if (uint.TryParse(System.IO.Path.GetFileNameWithoutExtension(path), out var number) && path == PathOf(folder, number))
            {
                numbers.Add(number);
            }
        }

        numbers.Sort();
        return [.. numbers];
    }

    /// <summary>Appends a batch as one group.</summary>
    /// <param name="batch">The blocks.</param>
    /// <param name="header">A page to make the header in.</param>
    /// <returns>Offset of its first block.</returns>
    /// <exception cref="IOException">The write failed; nothing of it is left.</exception>
    public uint Append(BlockBatch batch, Memory<byte> header)
    {
        var offset = Length;
        Append(batch.Entries.Span, batch.Length, batch.Padded, header, offset);
        return (uint)offset + GroupHeader.Size;
    }

    /// <summary>Makes the first bytes of the file durable.</summary>
    public void Flush() => RandomAccess.FlushToDisk(_file);

    /// <summary>
    /// Notes that everything up to an offset is durable. Written as an empty group, so that opening the store after a crash re-reads only the
    /// blocks behind it; not flushed itself, since losing it costs nothing but that reading.
    /// </summary>
    public void MarkDurable(long upTo, Memory<byte> header)
    {
        DurableLength = upTo;
        if (!_broken)
        {
            Append([], 0, default, header, Length);
        }
    }

    /// <summary>Has nothing be appended any more, no mark either: nobody knows what of the file behind the last one is on stable storage.</summary>
    public void Seal() => _broken = true;

    /// <summary>Reads bytes of blocks.</summary>
    /// <exception cref="EndOfStreamException">The file ends before.</exception>
    public void Read(Span<byte> destination, long offset)
    {
        while (destination.Length > 0)
        {
            var read = RandomAccess.Read(_file, destination, offset);
            if (read == 0)
            {
                throw new EndOfStreamException($"The segment file {Path} ends at {offset}.");
            }

            destination = destination[read..];
            offset += read;
        }
    }

    /// <summary>Has the next read of a range come from the disk, and not from what the system remembers of it.</summary>
    public void DropCached(long offset, long length) => Posix.DropCached(_file, offset, length);

    /// <inheritdoc/>
    public void Dispose()
    {
        _direct?.Dispose();
        _file.Dispose();
    }

    private static string PathOf(string folder, uint number) => System.IO.Path.Combine(folder, $"{number:00000000}.seg");

    private void Append(ReadOnlySpan<BlockRef> blocks, int dataLength, ReadOnlyMemory<byte> padded, Memory<byte> header, long offset)
    {
        GroupHeader.Write(header.Span, Number, (uint)offset, (uint)DurableLength, blocks, dataLength);
        try
        {
            Write(header, padded, offset);
        }
        catch (IOException)
        {
            TakeBack(offset);
            throw;
        }

        Length = offset + header.Length + padded.Length;
    }

    /// <summary>
    /// Writes past the page cache where the file system lets it: these bytes come once and in bulk, and copying them into the cache, only to
    /// write them out from there, takes longer and pushes out what readers need.
    /// </summary>
    private void Write(ReadOnlyMemory<byte> header, ReadOnlyMemory<byte> padded, long offset)
    {
        if (_direct is not null)
        {
            try
            {
                RandomAccess.Write(_direct, [header, padded], offset);
                return;
            }
            catch (IOException exception) when (Posix.IsInvalidArgument(exception))
            {
                // A device with larger sectors, or a disk so full that only a part was written: the cache takes any length, and tells which it was.
                _direct.Dispose();
                _direct = null;
            }
        }

        RandomAccess.Write(_file, [header, padded], offset);
        Posix.StartWriteback(_file, offset, header.Length + padded.Length);
    }

    private void TakeBack(long offset)
    {
        try
        {
            RandomAccess.SetLength(_file, offset);
        }
        catch (IOException)
        {
            // The torn group stays at the end. No mark will ever declare it durable, so opening the store checks it block by block.
            _broken = true;
        }
    }
}
