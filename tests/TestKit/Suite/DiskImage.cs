using System.Buffers;
using System.Diagnostics;

namespace Gallery.TestKit.Suite;

/// <summary>Makes real disks to publish: file systems in sparse raw files, and successors of them.</summary>
public static class DiskImage
{
    /// <summary>Size of the blocks that the gallery keeps, in bytes.</summary>
    public const int BlockSize = 64 * 1024;

    private const int BufferSize = 64 * BlockSize;

    /// <summary>Makes an ext4 file system that holds <paramref name="contentBytes"/> bytes of files, in a sparse file.</summary>
    /// <param name="path">The raw file to make.</param>
    /// <param name="virtualSize">Size of the disk, in bytes.</param>
    /// <param name="contentBytes">Bytes of the files in it, altogether.</param>
    /// <param name="seed">The same seed makes the same files.</param>
    public static async Task CreateFileSystemAsync(string path, long virtualSize, long contentBytes, int seed)
    {
        var folder = path + ".files";
        Directory.CreateDirectory(folder);
        try
        {
            WriteFiles(folder, contentBytes, new Random(seed));
            File.Delete(path);
            await RunAsync("mke2fs", "-q", "-t", "ext4", "-d", folder, path, $"{virtualSize / 1024}k");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Makes an ext4 file system of files of this system, as a real image has them, in a sparse file.</summary>
    /// <param name="path">The raw file to make.</param>
    /// <param name="virtualSize">Size of the disk, in bytes.</param>
    /// <param name="contentBytes">Bytes of the files in it, altogether; fewer when the system has fewer.</param>
    public static async Task CreateFromSystemAsync(string path, long virtualSize, long contentBytes)
    {
        var folder = path + ".files";
        try
        {
            CopySystemFiles(folder, contentBytes);
            File.Delete(path);
            await RunAsync("mke2fs", "-q", "-t", "ext4", "-d", folder, path, $"{virtualSize / 1024}k");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Copies a disk and keeps its holes.</summary>
    public static Task CopyAsync(string from, string to) => RunAsync("cp", "--sparse=always", from, to);

    /// <summary>Overwrites runs of 32 to 96 KiB, anywhere in what is occupied, as a package update rewrites files in place.</summary>
    /// <returns>Bytes changed.</returns>
    public static long ChangeInPlace(string path, double fractionOfOccupied, int seed) =>
        Overwrite(path, fractionOfOccupied, seed, (_, random, run) => random.NextBytes(run));

    /// <summary>The same with what stands elsewhere on the disk: changed files are like other files.</summary>
    /// <returns>Bytes overwritten.</returns>
    public static long MoveInPlace(string path, double fractionOfOccupied, int seed)
    {
        var occupied = OccupiedBlocks(path).ToArray();
        return Overwrite(
            path,
            fractionOfOccupied,
            seed,
            (file, random, run) => ReadFully(file, run, (occupied[random.Next(occupied.Length)] * BlockSize) + 2048)
        );
    }

    /// <summary>Changes eight bytes in each block that is occupied: as a disk it is like it was, but none of its blocks is.</summary>
    public static void Renew(string path, int seed)
    {
        var occupied = OccupiedBlocks(path).ToArray();
        var random = new Random(seed);
        var bytes = new byte[8];
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        foreach (var block in occupied)
        {
            random.NextBytes(bytes);
            RandomAccess.Write(file, bytes, block * BlockSize);
        }
    }

    private static long Overwrite(
        string path,
        double fractionOfOccupied,
        int seed,
        Action<Microsoft.Win32.SafeHandles.SafeFileHandle, Random, byte[]> fill
    )
    {
        var occupied = OccupiedBlocks(path).ToArray();
        var random = new Random(seed);
        var wanted = (long)(occupied.Length * (double)BlockSize * fractionOfOccupied);
        var changed = 0L;
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var length = RandomAccess.GetLength(file);
        while (changed < wanted)
        {
            var run = new byte[random.Next(8, 25) * 4096];
            fill(file, random, run);
            var at = (occupied[random.Next(occupied.Length)] * BlockSize) + (random.Next(16) * 4096);
            if (at + run.Length > length)
            {
                continue;
            }
            RandomAccess.Write(file, run, at);
            changed += run.Length;
        }
        return changed;
    }

    /// <summary>Positions of the blocks that are not all zero.</summary>
    public static IEnumerable<long> OccupiedBlocks(string path)
    {
        using var file = File.OpenHandle(path);
        var buffer = new byte[BufferSize];
        for (long offset = 0; ; )
        {
            var read = ReadFully(file, buffer, offset);
            for (var i = 0; i < read; i += BlockSize)
            {
                if (buffer.AsSpan(i, Math.Min(BlockSize, read - i)).ContainsAnyExcept((byte)0))
                {
                    yield return (offset + i) / BlockSize;
                }
            }
            offset += read;
            if (read < buffer.Length)
            {
                yield break;
            }

            offset = SkipHole(offset, file);
        }
    }

    /// <summary>Bytes of the blocks that are not all zero.</summary>
    public static long OccupiedBytes(string path)
    {
        var length = new FileInfo(path).Length;
        return OccupiedBlocks(path).Sum(block => Math.Min(BlockSize, length - (block * BlockSize)));
    }

    /// <summary>Offset of the first byte in which two files differ, or null when they are equal.</summary>
    public static long? FirstDifference(string left, string right)
    {
        using var a = File.OpenHandle(left);
        using var b = File.OpenHandle(right);
        var one = ArrayPool<byte>.Shared.Rent(BufferSize);
        var two = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            for (long offset = 0; ; )
            {
                var read = ReadFully(a, one.AsSpan(0, BufferSize), offset);
                var other = ReadFully(b, two.AsSpan(0, BufferSize), offset);
                var same = one.AsSpan(0, read).CommonPrefixLength(two.AsSpan(0, other));
                if (same < Math.Max(read, other))
                {
                    return offset + same;
                }
                if (read == 0)
                {
                    var (end, otherEnd) = (RandomAccess.GetLength(a), RandomAccess.GetLength(b));
                    return end == otherEnd ? null : Math.Min(end, otherEnd);
                }
                offset = SkipHole(offset + read, a, b);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(one);
            ArrayPool<byte>.Shared.Return(two);
        }
    }

    /// <summary>The first block at or behind an offset in which one of the files has data; the end of the longest when none has.</summary>
    private static long SkipHole(long offset, params ReadOnlySpan<Microsoft.Win32.SafeHandles.SafeFileHandle> files)
    {
        var (next, end) = (long.MaxValue, 0L);
        foreach (var file in files)
        {
            var (data, length) = (SparseFile.NextData(file, offset), RandomAccess.GetLength(file));
            next = data < length ? Math.Min(next, data) : next;
            end = Math.Max(end, length);
        }

        return next == long.MaxValue ? Math.Max(offset, end) : next / BlockSize * BlockSize;
    }

    private static void CopySystemFiles(string folder, long contentBytes)
    {
        var left = contentBytes;
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var file in Directory.EnumerateFiles("/usr", "*", options).Order(StringComparer.Ordinal))
        {
            var info = new FileInfo(file);
            if (info.Length == 0 || info.Length > left)
            {
                continue;
            }

            var to = Path.Combine(folder, Path.GetRelativePath("/", file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            info.CopyTo(to);
            left -= info.Length;
            if (left < BlockSize)
            {
                return;
            }
        }
    }

    private static void WriteFiles(string folder, long contentBytes, Random random)
    {
        var buffer = new byte[4 * 1024 * 1024];
        var written = 0L;
        for (var number = 0; written < contentBytes; number++)
        {
            // Mostly small files and some large ones, as in a system image.
            var size = (int)Math.Min(contentBytes - written, number % 20 == 0 ? buffer.Length : random.Next(4096, 512 * 1024));
            random.NextBytes(buffer.AsSpan(0, size));
            var directory = Path.Combine(folder, $"d{number / 100}");
            Directory.CreateDirectory(directory);
            using var file = File.OpenHandle(Path.Combine(directory, $"f{number}"), FileMode.CreateNew, FileAccess.Write);
            RandomAccess.Write(file, buffer.AsSpan(0, size), 0);
            written += size;
        }
    }

    private static int ReadFully(Microsoft.Win32.SafeHandles.SafeFileHandle file, Span<byte> buffer, long offset)
    {
        var total = 0;
        while (total < buffer.Length)
        {
            var read = RandomAccess.Read(file, buffer[total..], offset + total);
            if (read == 0)
            {
                break;
            }
            total += read;
        }
        return total;
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process =
            Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException($"{program} did not start.");
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await error}{await output}");
        }
    }
}
