using Gallery.Cli.Images;
using Gallery.Cli.Names;
using Gallery.Cli.Uploads;
using Gallery.Contracts.Common.V1;

namespace Gallery.Cli.Tests.Images;

public sealed class PublishRequestTests
{
    private static readonly ResourceName Version = ResourceName.TryParse(
        "subscriptions/s/resourceGroups/g/galleries/p/images/u/versions/1.0.0"
    )!;

    [Theory]
    [InlineData(null, "westus", "eastus,westus", "westus")]
    [InlineData(null, "West US", "eastus,westus", "westus")]
    [InlineData(null, "brazilsouth", "eastus,westus", "eastus")]
    [InlineData("westus", "eastus", "eastus,westus", "westus")]
    public void The_home_is_the_one_named_else_the_definitions_if_it_is_a_target_else_the_first(
        string? home,
        string location,
        string targets,
        string expected
    ) => Assert.Equal(expected, Request(targets, home).HomeFor(location));

    [Fact]
    public void A_home_that_is_no_target_is_refused() =>
        Assert.Equal(ExitCode.Usage, Assert.Throws<CommandFailure>(() => Request("eastus", "westus").Check(512)).ExitCode);

    [Theory]
    [InlineData(0)]
    [InlineData(511)]
    [InlineData(513)]
    [InlineData(4_294_967_297)]
    public void A_file_that_is_not_made_of_sectors_is_refused(long size) =>
        Assert.Equal(ExitCode.Refused, Assert.Throws<CommandFailure>(() => Request("eastus", null).Check(size)).ExitCode);

    [Theory]
    [InlineData("auto", "disk.raw", "", DiskFormat.Unspecified)]
    [InlineData("auto", "disk.raw", "qcow2", DiskFormat.Qcow2)]
    [InlineData("auto", "disk", "vhdx", DiskFormat.Vhdx)]
    [InlineData("auto", "disk.img", "fixed", DiskFormat.VhdFixed)]
    [InlineData("auto", "disk.img", "dynamic", DiskFormat.VhdDynamic)]
    [InlineData("auto", "disk.VHD", "", DiskFormat.VhdFixed)]
    [InlineData("auto", "disk.vhd", "dynamic", DiskFormat.VhdDynamic)]
    [InlineData("auto", "disk.qcow2", "", DiskFormat.Qcow2)]
    [InlineData("raw", "disk.vhd", "qcow2", DiskFormat.Raw)]
    [InlineData("VHD", "disk", "", DiskFormat.VhdFixed)]
    [InlineData("vhd", "disk", "dynamic", DiskFormat.VhdDynamic)]
    [InlineData("vhdx", "disk", "", DiskFormat.Vhdx)]
    [InlineData("qcow2", "disk", "", DiskFormat.Qcow2)]
    public void A_file_is_announced_as_what_it_is_or_is_said_to_be(string chosen, string name, string content, DiskFormat expected)
    {
        var folder = Directory.CreateTempSubdirectory("gallery-formats-");
        try
        {
            var path = Path.Combine(folder.FullName, name);
            File.WriteAllBytes(path, Content(content));
            using var file = DiskFile.Open(path);
            Assert.Equal(expected, DiskFormats.Of(chosen, file));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_file_that_lays_a_disk_out_in_tables_may_end_anywhere()
    {
        (Request("eastus", null) with { Format = DiskFormat.Qcow2 }).Check(197_633);
        Assert.Throws<CommandFailure>(() => (Request("eastus", null) with { Format = DiskFormat.Qcow2 }).Check(511));
        Assert.Throws<CommandFailure>(() => (Request("eastus", null) with { Format = DiskFormat.VhdFixed }).Check(197_633));
    }

    private static byte[] Content(string kind)
    {
        byte[] bytes = new byte[4096];
        var signature = kind switch
        {
            "qcow2" => [.. "QFI"u8, 0xfb],
            "vhdx" => "vhdxfile"u8.ToArray(),
            "fixed" or "dynamic" => "conectix"u8.ToArray(),
            _ => [],
        };
        signature.CopyTo(bytes, kind == "fixed" ? bytes.Length - 512 : 0);
        bytes[^449] = kind == "fixed" ? (byte)2 : (byte)0;
        return bytes;
    }

    private static PublishRequest Request(string targets, string? home) =>
        new(Version, TargetSpec.ParseAll(targets.Split(','))) { Home = home };
}
