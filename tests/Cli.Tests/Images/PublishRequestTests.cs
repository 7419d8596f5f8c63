using Gallery.Cli.Images;
using Gallery.Cli.Names;
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
    [InlineData("auto", "a/disk.raw", DiskFormat.Unspecified)]
    [InlineData("auto", "a/disk.VHD", DiskFormat.VhdFixed)]
    [InlineData("raw", "a/disk.vhd", DiskFormat.Raw)]
    [InlineData("VHD", "disk", DiskFormat.VhdFixed)]
    public void A_file_that_calls_itself_a_vhd_is_announced_as_one(string chosen, string path, DiskFormat expected) =>
        Assert.Equal(expected, DiskFormats.Of(chosen, path));

    private static PublishRequest Request(string targets, string? home) =>
        new(Version, TargetSpec.ParseAll(targets.Split(','))) { Home = home };
}
