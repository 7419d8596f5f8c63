using System.Globalization;
using System.Numerics;
using System.Text;

namespace Gallery.Region.Stores.Records;

/// <summary>
/// Records as files of a folder: one line with a checksum, then the record. Written beside, flushed, and renamed into place.
/// </summary>
internal sealed class RecordFolder(string folder) : IRecordStore
{
    private const string Extension = ".record";
    private const string Title = "gallery-record 1 ";

    /// <inheritdoc/>
    public async ValueTask PutAsync(string kind, string name, ReadOnlyMemory<byte> value, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var target = PathOf(kind, name);
        var temporary = $"{target}.{Guid.NewGuid():N}.new";
        try
        {
            MakeFolder(kind);
            // Not cancellable from here on: a half-made record would only leave rubbish behind.
            await File.WriteAllBytesAsync(
                temporary,
                [.. Encoding.ASCII.GetBytes(HeadOf(value.Span)), .. value.Span],
                CancellationToken.None
            );
            using (var file = File.OpenHandle(temporary, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            {
                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, target, overwrite: true);
            Posix.FlushDirectory(Path.Combine(folder, kind));
        }
        catch (IOException exception)
        {
            File.Delete(temporary);
            throw Posix.IsOutOfSpace(exception)
                ? new StorageExhaustedException($"There is no room left in {folder}.", exception)
                : exception;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> TryGetAsync(string kind, string name, CancellationToken cancellationToken)
    {
        byte[] bytes;
        try
        {
            bytes = await File.ReadAllBytesAsync(PathOf(kind, name), cancellationToken);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        var end = bytes.AsSpan().IndexOf((byte)'\n') + 1;
        var value = bytes[end..];
        return bytes.AsSpan(0, end).SequenceEqual(Encoding.ASCII.GetBytes(HeadOf(value)))
            ? value
            : throw new BlockCorruptException($"The record {PathOf(kind, name)} does not have its checksum.");
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<string>> ListAsync(string kind, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, kind);
        IReadOnlyList<string> names = Directory.Exists(path)
            ? [.. Directory.EnumerateFiles(path, "*" + Extension).Select(file => Path.GetFileName(file)[..^Extension.Length])]
            : [];
        return ValueTask.FromResult(names);
    }

    /// <inheritdoc/>
    public ValueTask DeleteAsync(string kind, string name, CancellationToken cancellationToken)
    {
        var path = PathOf(kind, name);
        if (File.Exists(path))
        {
            File.Delete(path);
            Posix.FlushDirectory(Path.Combine(folder, kind));
        }

        return ValueTask.CompletedTask;
    }

    private static string HeadOf(ReadOnlySpan<byte> value)
    {
        var crc = uint.MaxValue;
        foreach (var b in value)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Title}{~crc:x8} {value.Length}\n");
    }

    private string PathOf(string kind, string name) => Path.Combine(folder, kind, name + Extension);

    private void MakeFolder(string kind)
    {
        var path = Path.Combine(folder, kind);
        if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path);
            Posix.FlushDirectory(folder);
        }
    }
}
