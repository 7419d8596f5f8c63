using System.Numerics;
using System.Runtime.InteropServices;
using Gallery.Region.Stores.Records;

namespace Gallery.Region.Stores.Objects;

/// <summary>Records as objects, `{prefix}records/{kind}/{name}.record`: a CRC-32C of four bytes, then the record.</summary>
internal sealed class BucketRecords(IObjectBucket bucket, string prefix) : IRecordStore
{
    private const string Extension = ".record";

    /// <inheritdoc/>
    public async ValueTask PutAsync(string kind, string name, ReadOnlyMemory<byte> value, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var bytes = new byte[sizeof(uint) + value.Length];
        value.Span.CopyTo(bytes.AsSpan(sizeof(uint)));
        MemoryMarshal.Write(bytes, Checksum(value.Span));
        // Not cancellable: whether a request that was given up took effect nobody would know.
        await bucket.PutAsync(KeyOf(kind, name), bytes, CancellationToken.None);
    }

    /// <inheritdoc/>
    public async ValueTask<byte[]?> TryGetAsync(string kind, string name, CancellationToken cancellationToken)
    {
        if (await bucket.TryGetAsync(KeyOf(kind, name), cancellationToken) is not { } bytes)
        {
            return null;
        }

        return bytes.Length >= sizeof(uint) && MemoryMarshal.Read<uint>(bytes) == Checksum(bytes.AsSpan(sizeof(uint)))
            ? bytes[sizeof(uint)..]
            : throw new BlockCorruptException($"The record {KeyOf(kind, name)} in {bucket.Name} does not have its checksum.");
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<string>> ListAsync(string kind, CancellationToken cancellationToken)
    {
        var folder = $"{prefix}records/{kind}/";
        var names = new List<string>();
        await foreach (var entry in bucket.ListAsync(folder, cancellationToken))
        {
            if (entry.Key.EndsWith(Extension, StringComparison.Ordinal))
            {
                names.Add(entry.Key[folder.Length..^Extension.Length]);
            }
        }

        return names;
    }

    /// <inheritdoc/>
    public async ValueTask DeleteAsync(string kind, string name, CancellationToken cancellationToken) =>
        await bucket.DeleteAsync(KeyOf(kind, name), cancellationToken);

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }

    private string KeyOf(string kind, string name) => $"{prefix}records/{kind}/{name}{Extension}";
}
