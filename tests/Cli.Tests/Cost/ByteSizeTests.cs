using Gallery.Cli.Cost;

namespace Gallery.Cli.Tests.Cost;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("10737418240", 10L << 30)]
    [InlineData("10GiB", 10L << 30)]
    [InlineData("10 gb", 10L << 30)]
    [InlineData("1.5TiB", 3L << 39)]
    [InlineData("512M", 512L << 20)]
    [InlineData("7B", 7)]
    public void Reads_sizes(string text, long expected) => Assert.Equal(expected, ByteSize.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("GiB")]
    [InlineData("-1")]
    [InlineData("1,5GiB")]
    [InlineData("ten")]
    [InlineData("9999999999TiB")]
    public void Refuses_what_is_none(string text) =>
        Assert.Equal(ExitCode.Usage, Assert.Throws<CommandFailure>(() => ByteSize.Parse(text)).ExitCode);
}
