using System.Diagnostics;

namespace Gallery.EndToEnd;

/// <summary>A disk goes in as a file of every format and comes back as others; `qemu-img` makes the files and compares them.</summary>
[Collection("house")]
public sealed class FormatTests(PublishedHouse house)
{
    [Theory]
    [InlineData("vpc", "disk.vhd", "force_size=on", "4.0.1")]
    [InlineData("vhdx", "disk.vhdx", "block_size=1M", "4.0.2")]
    [InlineData("qcow2", "disk.qcow2", "compression_type=zstd", "4.0.3")]
    public async Task A_disk_in_any_format_comes_back_in_every_format(string format, string name, string options, string version)
    {
        var raw = house.Scratch($"{version}.raw");
        await WriteDiskAsync(raw);
        var image = house.Scratch($"{version}-{name}");
        string[] packed = format == "qcow2" ? ["-c"] : [];
        await QemuAsync([.. packed.Prepend("convert"), "-f", "raw", "-O", format, "-o", options, raw, image]);
        await house.Suite.SucceedAsync("login", "--as", "owner");
        await house.PublishAsync(image, version, "westus=1", "eastus=1");
        foreach (var (extension, served) in new[] { ("raw", "raw"), ("vhd", "vpc"), ("qcow2", "qcow2") })
        {
            var copy = house.Scratch($"{version}-copy.{extension}");
            await house.Suite.SucceedAsync(
                "content",
                "download",
                "--version",
                $"{PublishedHouse.Definition}/versions/{version}",
                "--region",
                "eastus",
                "--format",
                extension,
                "--out",
                copy
            );
            Assert.Equal("Images are identical.", (await QemuAsync("compare", "-f", "raw", "-F", served, raw, copy)).Trim());
            File.Delete(copy);
        }
    }

    /// <summary>A disk of an odd size with data here and there.</summary>
    private static async Task WriteDiskAsync(string path)
    {
        await using var file = File.Create(path);
        file.SetLength((20 << 20) + 1536);
        var random = new Random(path.Length);
        foreach (var (offset, length) in new[] { (0, 3_000_000), (7_000_064, 10_000), ((20 << 20) + 1024, 512) })
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            file.Position = offset;
            await file.WriteAsync(bytes);
        }
    }

    private static async Task<string> QemuAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("qemu-img", arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"qemu-img {string.Join(' ', arguments)}: {output}");
        return output;
    }
}
