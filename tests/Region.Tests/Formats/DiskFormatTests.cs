using System.Buffers.Binary;
using FsCheck.Xunit;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Errors;
using Gallery.Region.Formats;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Formats;

public sealed class DiskFormatTests
{
    private const int DiskSize = 70_144;
    private static readonly DiskFormatReader Reader = new(new DiskSizeRules(1L << 40));

    public static TheoryData<string, DiskFormat, DiskFormat> Recognised =>
        new()
        {
            { "raw", DiskFormat.Unspecified, DiskFormat.Raw },
            { "raw", DiskFormat.Raw, DiskFormat.Raw },
            { "vhd", DiskFormat.Unspecified, DiskFormat.VhdFixed },
            { "vhd", DiskFormat.VhdFixed, DiskFormat.VhdFixed },
            { "vhd", DiskFormat.Raw, DiskFormat.Raw },
            { "qcow2", DiskFormat.Raw, DiskFormat.Raw },
        };

    public static TheoryData<string, DiskFormat, ErrorReason, string> Refusals =>
        new()
        {
            { "raw", DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat, "at offset 69632" },
            { "dynamic", DiskFormat.Unspecified, ErrorReason.InvalidDiskFormat, "header of the dynamic VHD" },
            { "dynamic", DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat, "signature of a dynamic VHD" },
            { "vhd", DiskFormat.VhdDynamic, ErrorReason.InvalidDiskFormat, "signature of a fixed VHD" },
            { "vhdx", DiskFormat.Unspecified, ErrorReason.InvalidDiskFormat, "header of the VHDX" },
            { "vhdx", DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat, "signature of a VHDX" },
            { "qcow2", DiskFormat.Unspecified, ErrorReason.InvalidDiskFormat, "qcow2 image is of version" },
            { "qcow2", DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat, "signature of a qcow2" },
            { "checksum", DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat, "damaged" },
            { "checksum", DiskFormat.Unspecified, ErrorReason.InvalidDiskFormat, "damaged" },
            { "version", DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat, "version" },
            { "differencing", DiskFormat.Unspecified, ErrorReason.InvalidDiskFormat, "differencing VHD (type 4)" },
            { "size", DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat, "tells of a disk of 512 bytes" },
            { "raw", DiskFormat.Qcow2, ErrorReason.InvalidDiskFormat, "no known signature" },
            { "raw", DiskFormat.VhdDynamic, ErrorReason.InvalidDiskFormat, "begins with `conectix`" },
        };

    [Theory]
    [MemberData(nameof(Recognised))]
    public async Task A_file_is_read_in_its_format(string file, DiskFormat named, DiskFormat expected)
    {
        var bytes = Make(file);
        var disk = await Reader.OpenAsync(new MemoryFile(bytes), named, default);
        Assert.Equal(expected, disk.Format);
        Assert.Equal(expected == DiskFormat.Raw ? bytes.Length : DiskSize, disk.VirtualSize);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_file_that_is_not_what_it_should_be_is_refused(string file, DiskFormat named, ErrorReason reason, string says)
    {
        var refused = await Assert.ThrowsAnyAsync<RegionException>(async () =>
            await Reader.OpenAsync(new MemoryFile(Make(file)), named, default)
        );
        Assert.Equal(reason, refused.Reason);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, DiskFormat.Raw, ErrorReason.InvalidDiskFormat)]
    [InlineData(511, DiskFormat.Raw, ErrorReason.InvalidDiskFormat)]
    [InlineData(1000, DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat)]
    [InlineData(511, DiskFormat.Qcow2, ErrorReason.InvalidDiskFormat)]
    [InlineData((1L << 40) + (1L << 37), DiskFormat.Unspecified, ErrorReason.GallerySourceResourceExceedsMaxSize)]
    [InlineData(512, DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat)]
    [InlineData((1L << 40) + 512, DiskFormat.Raw, ErrorReason.GallerySourceResourceExceedsMaxSize)]
    [InlineData((1L << 40) + 1024, DiskFormat.VhdFixed, ErrorReason.GallerySourceResourceExceedsMaxSize)]
    [InlineData((1L << 40) + (1L << 37), DiskFormat.Vhdx, ErrorReason.GallerySourceResourceExceedsMaxSize)]
    public void A_size_that_rules_a_file_out_is_refused(long size, DiskFormat format, ErrorReason reason)
    {
        var refused = Assert.ThrowsAny<RegionException>(() => new DiskSizeRules(1L << 40).CheckFile(size, format));
        Assert.Equal(reason, refused.Reason);
    }

    [Theory]
    [InlineData(512, DiskFormat.Raw)]
    [InlineData(512, DiskFormat.Unspecified)]
    [InlineData(1024, DiskFormat.VhdFixed)]
    [InlineData(1L << 40, DiskFormat.Raw)]
    [InlineData((1L << 40) + 512, DiskFormat.Unspecified)]
    [InlineData((1L << 40) + (1L << 36), DiskFormat.Qcow2)]
    [InlineData(1001, DiskFormat.Unspecified)]
    [InlineData((1L << 40) + 512, DiskFormat.VhdFixed)]
    public void A_size_at_the_limits_is_taken(long size, DiskFormat format) => new DiskSizeRules(1L << 40).CheckFile(size, format);

    [Property(MaxTest = 2000)]
    public void Damaged_footers_are_refused_or_are_footers(int at, byte flip)
    {
        var footer = Footer(2, DiskSize);
        footer[(int)((uint)at % VhdFooter.Size)] ^= (byte)(flip | 1);
        Assert.Throws<InvalidDiskFormatException>(() => VhdFooter.Parse(footer, 0));
    }

    internal static byte[] Footer(uint type, long size)
    {
        var footer = new byte[VhdFooter.Size];
        "conectix"u8.CopyTo(footer);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(8), 2);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(12), 0x00010000);
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(16), -1);
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(40), size);
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(48), size);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(60), type);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(64), VhdFooter.ChecksumOf(footer));
        return footer;
    }

    private static byte[] Make(string kind)
    {
        var disk = TestBlocks.Bytes(1, DiskSize);
        var changed = Footer(2, DiskSize);
        return kind switch
        {
            "vhd" => [.. disk, .. Footer(2, DiskSize)],
            "dynamic" => [.. Footer(3, DiskSize), .. disk, .. Footer(3, DiskSize)],
            "differencing" => [.. disk, .. Footer(4, DiskSize)],
            "size" => [.. disk, .. Footer(2, 512)],
            "vhdx" => [.. "vhdxfile"u8, .. disk[8..]],
            "qcow2" => [.. "QFI"u8, 0xfb, .. disk[4..]],
            "checksum" => [.. disk, .. Changed(changed, 100)],
            "version" => [.. disk, .. WithVersion(changed)],
            _ => disk,
        };
    }

    private static byte[] Changed(byte[] footer, int at)
    {
        footer[at] ^= 1;
        return footer;
    }

    private static byte[] WithVersion(byte[] footer)
    {
        footer[12] = 7;
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(64), VhdFooter.ChecksumOf(footer));
        return footer;
    }
}
