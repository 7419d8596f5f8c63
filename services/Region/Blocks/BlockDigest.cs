using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Gallery.Region.Blocks;

/// <summary>
/// The SHA-256 digest of a block or a manifest node. A value of 32 bytes without references, so that millions of them lie flat in arrays.
/// The default value stands for "no block": a hole.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 8)]
internal readonly struct BlockDigest : IEquatable<BlockDigest>
{
    /// <summary>Bytes of a digest.</summary>
    public const int Size = 32;

    /// <summary>How a digest that names a content begins.</summary>
    public const string Prefix = "sha256:";

    private readonly ulong _word0;
    private readonly ulong _word1;
    private readonly ulong _word2;
    private readonly ulong _word3;

    /// <summary>Takes over 32 bytes.</summary>
    public BlockDigest(ReadOnlySpan<byte> bytes) => this = MemoryMarshal.Read<BlockDigest>(bytes[..Size]);

    /// <summary>True for the default value, which is no block's digest.</summary>
    public bool IsHole => (_word0 | _word1 | _word2 | _word3) == 0;

    /// <summary>Eight of its bytes; as random as a hash needs to be.</summary>
    public ulong Fingerprint => _word0;

    /// <summary>Eight other bytes of it.</summary>
    public ulong SecondFingerprint => _word1;

    /// <summary>The digest of these bytes.</summary>
    public static BlockDigest Of(ReadOnlySpan<byte> bytes)
    {
        BlockDigest digest = default;
        SHA256.HashData(bytes, MemoryMarshal.AsBytes(new Span<BlockDigest>(ref digest)));
        return digest;
    }

    /// <summary>Reads `sha256:` and 64 lower-case hexadecimal digits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out BlockDigest digest)
    {
        digest = default;
        if (text is null || text.Length != Prefix.Length + (2 * Size) || !text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        var digits = text.AsSpan(Prefix.Length);
        if (digits.ContainsAnyInRange('A', 'F'))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[Size];
        if (Convert.FromHexString(digits, bytes, out _, out var written) != System.Buffers.OperationStatus.Done || written != Size)
        {
            return false;
        }

        digest = new BlockDigest(bytes);
        return true;
    }

    /// <summary>Reads what this node wrote itself.</summary>
    /// <exception cref="FormatException">It is no digest.</exception>
    public static BlockDigest Parse(string text) =>
        TryParse(text, out var digest) ? digest : throw new FormatException($"`{text}` is no digest.");

    /// <summary>Takes over exactly 32 bytes; anything else is refused.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out BlockDigest digest)
    {
        digest = bytes.Length == Size ? new BlockDigest(bytes) : default;
        return bytes.Length == Size;
    }

    /// <summary>Writes the 32 bytes.</summary>
    public void CopyTo(Span<byte> destination) => MemoryMarshal.Write(destination, in this);

    /// <summary>The 32 bytes in an array of their own.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public bool Equals(BlockDigest other) =>
        _word0 == other._word0 && _word1 == other._word1 && _word2 == other._word2 && _word3 == other._word3;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BlockDigest other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _word0.GetHashCode();

    /// <summary>`sha256:` and 64 lower-case hexadecimal digits.</summary>
    public override string ToString() =>
        Prefix + Convert.ToHexStringLower(MemoryMarshal.AsBytes(new ReadOnlySpan<BlockDigest>(in Unsafe.AsRef(in this))));

    /// <summary>Equal bytes.</summary>
    public static bool operator ==(BlockDigest left, BlockDigest right) => left.Equals(right);

    /// <summary>Different bytes.</summary>
    public static bool operator !=(BlockDigest left, BlockDigest right) => !left.Equals(right);
}
