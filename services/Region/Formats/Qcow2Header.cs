using System.Buffers.Binary;
using Gallery.Region.Blocks;

namespace Gallery.Region.Formats;

/// <summary>The header of a qcow2 image, version 2 or 3. All numbers big-endian.</summary>
/// <param name="ClusterBits">A cluster has 2 to the power of so many bytes; 9 to 21.</param>
/// <param name="Size">Bytes of the disk.</param>
/// <param name="L1Offset">Where its first-level table stands.</param>
/// <param name="Compression">How its compressed clusters are packed.</param>
/// <param name="HasZeroFlag">True when an entry may say that its cluster is zero: from version 3 on.</param>
internal sealed record Qcow2Header(int ClusterBits, long Size, long L1Offset, RunEncoding Compression, bool HasZeroFlag)
{
    /// <summary>Bytes of a header that are looked at.</summary>
    public const int MaxSize = 112;

    /// <summary>Bytes of a table entry.</summary>
    public const int EntrySize = 8;

    private const int VersionTwoSize = 72;
    private const int VersionThreeSize = 104;
    private const int MinClusterBits = 9;
    private const int MaxClusterBits = 21;

    // Incompatible features. A dirty image is one whose reference counts may be wrong, which nobody needs for reading.
    private const ulong Dirty = 1 << 0;
    private const ulong Corrupt = 1 << 1;
    private const ulong ExternalData = 1 << 2;
    private const ulong CompressionType = 1 << 3;
    private const ulong ExtendedL2 = 1 << 4;

    /// <summary>Bytes of a cluster.</summary>
    public int ClusterSize => 1 << ClusterBits;

    /// <summary>Entries of a second-level table, which fills a cluster.</summary>
    public int L2Entries => ClusterSize / EntrySize;

    /// <summary>Bytes of the disk that a second-level table covers.</summary>
    public long BytesPerL2 => (long)L2Entries * ClusterSize;

    /// <summary>Entries of the first-level table that the disk needs.</summary>
    public long L1Count => ((Size - 1) / BytesPerL2) + 1;

    /// <summary>Reads a header.</summary>
    /// <param name="bytes">The first bytes of the file, zeros behind its end.</param>
    /// <param name="fileLength">Bytes of the file.</param>
    /// <exception cref="InvalidDiskFormatException">It is damaged, or the image needs something besides itself.</exception>
    public static Qcow2Header Parse(ReadOnlySpan<byte> bytes, long fileLength)
    {
        var version = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        Require(version is 2 or 3, $"is of version {version}; 2 and 3 are read");
        Require(fileLength >= (version == 2 ? VersionTwoSize : VersionThreeSize), "ends within its header");
        Require(
            BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]) == 0,
            "has a backing file. Make it complete in itself first: `qemu-img convert -O qcow2 FILE disk.qcow2`"
        );
        var encryption = BinaryPrimitives.ReadUInt32BigEndian(bytes[32..]);
        Require(encryption == 0, "is encrypted. Decrypt it first: `qemu-img convert` to a file without encryption");
        var clusterBits = BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]);
        Require(clusterBits is >= MinClusterBits and <= MaxClusterBits, $"has clusters of 2^{clusterBits} bytes; 2^9 to 2^21 are possible");
        var size = BinaryPrimitives.ReadInt64BigEndian(bytes[24..]);
        Require(size > 0 && size % BlockLayout.SectorSize == 0, $"tells of a disk of {size} bytes; whole sectors of 512 are needed");
        var compression = version == 2 ? RunEncoding.Deflate : ReadFeatures(bytes);
        var header = new Qcow2Header(
            (int)clusterBits,
            size,
            BinaryPrimitives.ReadInt64BigEndian(bytes[40..]),
            compression,
            HasZeroFlag: version >= 3
        );
        var l1Entries = BinaryPrimitives.ReadUInt32BigEndian(bytes[36..]);
        Require(l1Entries >= header.L1Count, $"has a table of {l1Entries} entries, and a disk of {size} bytes needs {header.L1Count}");
        Require(
            header.L1Offset > 0
                && header.L1Offset % header.ClusterSize == 0
                && header.L1Offset <= fileLength - (header.L1Count * EntrySize),
            $"has its first table at offset {header.L1Offset}, which does not fit a file of {fileLength} bytes"
        );
        return header;
    }

    private static RunEncoding ReadFeatures(ReadOnlySpan<byte> bytes)
    {
        var features = BinaryPrimitives.ReadUInt64BigEndian(bytes[72..]);
        Require((features & Corrupt) == 0, "is marked as corrupt. Repair it first: `qemu-img check -r all FILE`");
        Require(
            (features & ExternalData) == 0,
            "keeps its data in another file. Bring it into one: `qemu-img convert -O qcow2 FILE disk.qcow2`"
        );
        Require((features & ExtendedL2) == 0, "has extended L2 entries. Convert it first: `qemu-img convert -O qcow2 FILE disk.qcow2`");
        var unknown = features & ~(Dirty | CompressionType);
        Require(unknown == 0, $"uses features that are not known here: {unknown:x}");
        var headerLength = BinaryPrimitives.ReadUInt32BigEndian(bytes[100..]);
        Require(headerLength >= VersionThreeSize && headerLength % 8 == 0, $"has a header of {headerLength} bytes");
        var type = headerLength > VersionThreeSize ? bytes[VersionThreeSize] : (byte)0;
        Require(type <= 1, $"is packed by method {type}; 0 (zlib) and 1 (zstd) are read");
        Require(type != 0 == ((features & CompressionType) != 0), "contradicts itself on how it is packed");
        return type == 0 ? RunEncoding.Deflate : RunEncoding.Zstd;
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidDiskFormatException($"The qcow2 image {what}.");
        }
    }
}
