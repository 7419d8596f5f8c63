using System.Buffers.Binary;

namespace Gallery.Region.Formats;

/// <summary>The footer of a VHD: its last 512 bytes. All numbers big-endian.</summary>
/// <param name="DiskType">2 fixed, 3 dynamic, 4 differencing.</param>
/// <param name="CurrentSize">Bytes of the disk.</param>
internal sealed record VhdFooter(uint DiskType, long CurrentSize)
{
    /// <summary>Bytes of a footer.</summary>
    public const int Size = 512;

    /// <summary>The disk type of a fixed VHD.</summary>
    public const uint Fixed = 2;

    private const uint FileFormatVersion = 0x00010000;
    private const int ChecksumAt = 64;

    private static ReadOnlySpan<byte> Cookie => "conectix"u8;

    /// <summary>True when the bytes begin as a footer does.</summary>
    public static bool HasCookie(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Cookie);

    /// <summary>Reads a footer.</summary>
    /// <param name="bytes">512 bytes.</param>
    /// <param name="offset">Where in the file they stand, for the messages.</param>
    /// <exception cref="InvalidDiskFormatException">They are no footer, or a damaged one.</exception>
    public static VhdFooter Parse(ReadOnlySpan<byte> bytes, long offset)
    {
        if (!HasCookie(bytes))
        {
            throw new InvalidDiskFormatException(
                $"A VHD ends with a footer that begins with `conectix`; at offset {offset} stands {Show(bytes[..8])}."
            );
        }

        var checksum = BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumAt..]);
        var expected = ChecksumOf(bytes);
        if (checksum != expected)
        {
            throw new InvalidDiskFormatException(
                $"The VHD footer at offset {offset} has the checksum {checksum:x8}, and its bytes come to {expected:x8}: it is damaged."
            );
        }

        var version = BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]);
        if (version != FileFormatVersion)
        {
            throw new InvalidDiskFormatException($"The VHD footer at offset {offset} is of version {version:x8}; 00010000 is known.");
        }

        return new VhdFooter(BinaryPrimitives.ReadUInt32BigEndian(bytes[60..]), BinaryPrimitives.ReadInt64BigEndian(bytes[48..]));
    }

    /// <summary>The complement of the sum of all bytes but those of the checksum itself.</summary>
    public static uint ChecksumOf(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (var i = 0; i < Size; i++)
        {
            sum += i is >= ChecksumAt and < ChecksumAt + sizeof(uint) ? 0u : bytes[i];
        }

        return ~sum;
    }

    private static string Show(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
