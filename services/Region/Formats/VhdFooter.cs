using System.Buffers.Binary;

namespace Gallery.Region.Formats;

/// <summary>The footer of a VHD: its last 512 bytes. All numbers big-endian.</summary>
/// <param name="DiskType">2 fixed, 3 dynamic, 4 differencing.</param>
/// <param name="CurrentSize">Bytes of the disk.</param>
/// <param name="DataOffset">Where the header of a dynamic VHD stands.</param>
internal sealed record VhdFooter(uint DiskType, long CurrentSize, long DataOffset)
{
    /// <summary>Bytes of a footer.</summary>
    public const int Size = 512;

    /// <summary>The disk type of a fixed VHD.</summary>
    public const uint Fixed = 2;

    /// <summary>The disk type of a dynamic VHD.</summary>
    public const uint Dynamic = 3;

    /// <summary>The disk type of a VHD that holds only what differs from another.</summary>
    public const uint Differencing = 4;

    private const uint FileFormatVersion = 0x00010000;
    private const int ChecksumAt = 64;

    private static ReadOnlySpan<byte> Cookie => "conectix"u8;

    /// <summary>True when the bytes begin as a footer does.</summary>
    public static bool HasCookie(ReadOnlySpan<byte> bytes) => bytes.StartsWith(Cookie);

    /// <summary>The refusal of a file that has no footer.</summary>
    /// <param name="bytes">What stands in its place.</param>
    /// <param name="offset">Where.</param>
    public static InvalidDiskFormatException Missing(ReadOnlySpan<byte> bytes, long offset) =>
        new($"A VHD ends with a footer that begins with `conectix`; at offset {offset} stands {Show(bytes[..8])}.");

    /// <summary>True when 512 bytes are a footer with its checksum.</summary>
    public static bool IsSound(ReadOnlySpan<byte> bytes) =>
        HasCookie(bytes) && BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumAt..]) == ChecksumOf(bytes[..Size]);

    /// <summary>The disk type that a footer tells.</summary>
    public static uint TypeOf(ReadOnlySpan<byte> footer) => BinaryPrimitives.ReadUInt32BigEndian(footer[60..]);

    /// <summary>Reads a footer.</summary>
    /// <param name="bytes">512 bytes.</param>
    /// <param name="offset">Where in the file they stand, for the messages.</param>
    /// <exception cref="InvalidDiskFormatException">They are no footer, or a damaged one.</exception>
    public static VhdFooter Parse(ReadOnlySpan<byte> bytes, long offset)
    {
        if (!HasCookie(bytes))
        {
            throw Missing(bytes, offset);
        }

        var checksum = BinaryPrimitives.ReadUInt32BigEndian(bytes[ChecksumAt..]);
        var expected = ChecksumOf(bytes[..Size], ChecksumAt);
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

        return new VhdFooter(
            TypeOf(bytes),
            BinaryPrimitives.ReadInt64BigEndian(bytes[48..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[16..])
        );
    }

    /// <summary>The footer of a fixed VHD; the same for the same disk.</summary>
    /// <param name="size">Bytes of the disk.</param>
    /// <param name="id">What the disk is known by: at least 16 bytes.</param>
    public static byte[] ForFixed(long size, ReadOnlySpan<byte> id)
    {
        var footer = new byte[Size];
        Cookie.CopyTo(footer);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(8), 2);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(12), FileFormatVersion);
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(16), -1);
        // Readers know the size that counts by this name: of `win ` it is the size in bytes, of others the size by geometry.
        "win "u8.CopyTo(footer.AsSpan(28));
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(32), 0x000a0000);
        "Wi2k"u8.CopyTo(footer.AsSpan(36));
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(40), size);
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(48), size);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(56), VhdGeometry.Of(size));
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(60), Fixed);
        id[..16].CopyTo(footer.AsSpan(68));
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(ChecksumAt), ChecksumOf(footer));
        return footer;
    }

    /// <summary>The complement of the sum of all bytes but those of the checksum itself.</summary>
    /// <param name="structure">A footer, or the header of a dynamic VHD.</param>
    /// <param name="checksumAt">Where in it its checksum stands.</param>
    public static uint ChecksumOf(ReadOnlySpan<byte> structure, int checksumAt = ChecksumAt)
    {
        uint sum = 0;
        for (var i = 0; i < structure.Length; i++)
        {
            sum += i >= checksumAt && i < checksumAt + sizeof(uint) ? 0u : structure[i];
        }

        return ~sum;
    }

    private static string Show(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
