using System.Buffers.Binary;
using Gallery.Region.Formats;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Formats;

/// <summary>A small sound image and what is worth changing in it: where its structures stand, and how their checksums are made right again.</summary>
internal sealed class FuzzImage(byte[] bytes, bool littleEndian, params (long Offset, int Length)[] structures)
{
    private const int Sector = 512;

    public byte[] Bytes => bytes;

    public bool LittleEndian => littleEndian;

    /// <summary>Headers and tables.</summary>
    public (long Offset, int Length)[] Structures => structures;

    public Action<PatchedFile> FixChecksums { get; private init; } = _ => { };

    /// <summary>Has qemu-img make one.</summary>
    public static async Task<FuzzImage> MakeAsync(string format, string options)
    {
        using var folder = new TempFolder();
        var raw = Path.Combine(folder.Path, "raw");
        QemuDisks.Write("fuzz", raw);
        await QemuImg.ConvertAsync(raw, $"{raw}.image", format, options);
        var bytes = await File.ReadAllBytesAsync($"{raw}.image");
        return format switch
        {
            "qcow2" => Qcow2(bytes),
            "vhdx" => Vhdx(bytes),
            _ => Vhd(bytes),
        };
    }

    private static FuzzImage Qcow2(byte[] bytes)
    {
        var l1 = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(40));
        var l2 = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan((int)l1)) & 0x00ff_ffff_ffff_fe00;
        var data = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan((int)l2)) & 0x003f_ffff_ffff_ffff;
        return new FuzzImage(bytes, false, (0, 112), (l1, 16), (l2, 64), (Math.Min(data, bytes.Length - Sector), Sector));
    }

    private static FuzzImage Vhd(byte[] bytes)
    {
        var end = bytes.Length - Sector;
        var footer = VhdFooter.Parse(bytes.AsSpan(end), end);
        if (footer.DiskType == VhdFooter.Fixed)
        {
            return new FuzzImage(bytes, false, (end, 88)) { FixChecksums = file => Fix(file, end, Sector, 64) };
        }

        return new FuzzImage(bytes, false, (0, 88), (end, 88), (Sector, 64), (3 * Sector, 32))
        {
            FixChecksums = file =>
            {
                Fix(file, 0, Sector, 64);
                Fix(file, end, Sector, 64);
                Fix(file, Sector, 2 * Sector, 36);
            },
        };
    }

    private static FuzzImage Vhdx(byte[] bytes)
    {
        const int kib = 1024;
        var header = VhdxHeader.ReadAsync(new MemoryFile(bytes), default).AsTask().GetAwaiter().GetResult();
        var metadata = header.Metadata.Offset;
        return new FuzzImage(
            bytes,
            true,
            (64 * kib, 80),
            (128 * kib, 80),
            (192 * kib, 80),
            (256 * kib, 80),
            (metadata, 224),
            (metadata + (64 * kib), 64),
            (header.Table.Offset, 32)
        )
        {
            FixChecksums = file =>
            {
                FixCrc(file, 64 * kib, 4 * kib);
                FixCrc(file, 128 * kib, 4 * kib);
                FixCrc(file, 192 * kib, 64 * kib);
                FixCrc(file, 256 * kib, 64 * kib);
            },
        };
    }

    private static void Fix(PatchedFile file, long offset, int length, int checksumAt) =>
        file.Patch(offset + checksumAt, VhdFooter.ChecksumOf(file.Peek(offset, length), checksumAt), littleEndian: false);

    private static void FixCrc(PatchedFile file, long offset, int length) =>
        file.Patch(offset + 4, Crc32C.Of(file.Peek(offset, length)), littleEndian: true);
}
