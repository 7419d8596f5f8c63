using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Formats;
using Gallery.Region.Tests.Support;

namespace Gallery.Region.Tests.Formats;

/// <summary>Images that `qemu-img` made are read as the disk that they were made of, whatever the format.</summary>
public sealed class QemuImageTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public static TheoryData<string, string, DiskFormat> Images =>
        new()
        {
            { "raw", "", DiskFormat.Raw },
            { "vpc", "-o subformat=fixed", DiskFormat.VhdFixed },
            { "vpc", "-o subformat=fixed,force_size=on", DiskFormat.VhdFixed },
            { "vpc", "", DiskFormat.VhdDynamic },
            { "vpc", "-o force_size=on", DiskFormat.VhdDynamic },
            { "vhdx", "", DiskFormat.Vhdx },
            { "vhdx", "-o block_size=1M", DiskFormat.Vhdx },
            { "vhdx", "-o subformat=fixed", DiskFormat.Vhdx },
            { "qcow2", "", DiskFormat.Qcow2 },
            { "qcow2", "-o compat=0.10", DiskFormat.Qcow2 },
            { "qcow2", "-c", DiskFormat.Qcow2 },
            { "qcow2", "-c -o compat=0.10", DiskFormat.Qcow2 },
            { "qcow2", "-c -o compression_type=zstd", DiskFormat.Qcow2 },
            { "qcow2", "-o cluster_size=512", DiskFormat.Qcow2 },
            { "qcow2", "-c -o cluster_size=4k", DiskFormat.Qcow2 },
            { "qcow2", "-o cluster_size=2M", DiskFormat.Qcow2 },
            { "qcow2", "-c -o cluster_size=2M,compression_type=zstd", DiskFormat.Qcow2 },
            { "qcow2", "-o preallocation=metadata", DiskFormat.Qcow2 },
            { "qcow2", "-o lazy_refcounts=on,refcount_bits=64", DiskFormat.Qcow2 },
        };

    [Theory]
    [MemberData(nameof(Images))]
    public async Task An_image_is_the_disk_it_was_made_of(string format, string options, DiskFormat expected)
    {
        foreach (var disk in QemuDisks.All)
        {
            var raw = Path.Combine(_folder.Path, disk);
            var image = $"{raw}.image";
            QemuDisks.Write(disk, raw);
            await QemuImg.ConvertAsync(raw, image, format, options);
            using var file = new LocalFile(image);
            var layout = await new DiskFormatReader(new DiskSizeRules(1L << 40)).OpenAsync(file, DiskFormat.Unspecified, default);
            Assert.Equal(expected, layout.Format);

            // A VHD without force_size rounds the disk up to its geometry, so that the disk is what qemu-img reads back.
            await QemuImg.RunAsync($"convert -f {format} -O raw {image} {raw}");
            using var back = new LocalFile(raw);
            Assert.Equal(back.Length, layout.VirtualSize);
            var same = new FlatLayout(DiskFormat.Raw, back.Length);
            Assert.True(
                await DiskContent.OfAsync(back, same) == await DiskContent.OfAsync(file, layout),
                $"{disk} as {format} {options} is read as another disk."
            );
            Assert.Equal(0, new FileInfo(raw).Length % BlockLayout.SectorSize);
            File.Delete(image);
            File.Delete(raw);
        }
    }

    [Fact]
    public async Task What_lies_in_another_file_is_not_followed()
    {
        var raw = Path.Combine(_folder.Path, "base.raw");
        QemuDisks.Write("odd", raw);
        await QemuImg.ConvertAsync(raw, $"{raw}.qcow2", "qcow2");
        await QemuImg.RunAsync($"create -f qcow2 -b {raw}.qcow2 -F qcow2 {raw}.backed");
        await RefusedAsync($"{raw}.backed", "backing file");
        await QemuImg.RunAsync($"create -f qcow2 -o data_file={raw}.data,data_file_raw=on {raw}.external 10M");
        await RefusedAsync($"{raw}.external", "another file");
        await QemuImg.RunAsync($"create -f qcow2 -o extended_l2=on,cluster_size=128k {raw}.extended 10M");
        await RefusedAsync($"{raw}.extended", "extended L2");
    }

    [Fact]
    public async Task A_file_that_is_cut_off_is_refused_where_it_ends()
    {
        var raw = Path.Combine(_folder.Path, "cut.raw");
        QemuDisks.Write("random", raw);
        foreach (var format in new[] { "vpc", "vhdx", "qcow2" })
        {
            await QemuImg.ConvertAsync(raw, $"{raw}.{format}", format);
            await using (var file = File.OpenWrite($"{raw}.{format}"))
            {
                file.SetLength(file.Length / 2);
            }

            await RefusedAsync($"{raw}.{format}", "offset");
        }
    }

    public void Dispose() => _folder.Dispose();

    private static async Task RefusedAsync(string image, string says)
    {
        using var file = new LocalFile(image);
        var refused = await Assert.ThrowsAsync<Errors.InvalidDiskFormatException>(async () =>
        {
            var layout = await new DiskFormatReader(new DiskSizeRules(1L << 40)).OpenAsync(file, DiskFormat.Unspecified, default);
            await DiskContent.OfAsync(file, layout);
        });
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }
}
