using Gallery.Cli.Tests.Harness;

namespace Gallery.Cli.Tests.Commands;

public sealed class UsageTests : IDisposable
{
    private readonly CommandLine line = new();

    public void Dispose() => line.Dispose();

    [Theory]
    [InlineData()]
    [InlineData("nonsense")]
    [InlineData("gallery")]
    [InlineData("gallery", "nonsense")]
    [InlineData("gallery", "create")]
    [InlineData("gallery", "create", "prod", "--group", "rg1")]
    [InlineData("gallery", "create", "--nonsense", "--group", "rg1", "--location", "westus")]
    [InlineData("gallery", "list", "--output", "xml")]
    [InlineData("gallery", "list", "--nonsense")]
    [InlineData(
        "definition",
        "create",
        "ubuntu",
        "--os",
        "beos",
        "--state",
        "generalized",
        "--publisher",
        "p",
        "--offer",
        "o",
        "--sku",
        "s"
    )]
    [InlineData("image", "publish")]
    [InlineData("image", "publish", "disk.raw", "--gallery", "prod", "--group", "rg1", "--definition", "ubuntu", "--version", "1.0.0")]
    [InlineData("image", "publish", "disk.raw", "--to", "westus", "--format", "iso")]
    [InlineData("deploy", "place", "--version", "a/b/c/1.0.0")]
    [InlineData("deploy", "place", "--version", "a/b/c/1.0.0", "--region", "r", "--count", "many")]
    [InlineData("activity", "list", "--limit", "0")]
    [InlineData("cost", "show", "--by", "colour")]
    public async Task A_wrong_command_line_is_exit_code_2_and_points_to_help(params string[] args)
    {
        var refused = (await line.RunAsync(args)).Failed(ExitCode.Usage);
        Assert.Contains("--help", refused.Error, StringComparison.Ordinal);
        Assert.Empty(refused.Out);
    }

    [Fact]
    public async Task Usage_errors_are_json_for_scripts()
    {
        var refused = (await line.RunAsync("gallery", "create", "-o", "json")).Failed(ExitCode.Usage);
        Assert.Equal(2, (int?)refused.ErrorJson["exitCode"]);
    }

    [Fact]
    public async Task Help_calls_the_program_by_its_name_and_tells_the_exit_codes()
    {
        var help = (await line.RunAsync("--help")).Succeeded().Out;
        Assert.Contains("  gallery [command] [options]", help, StringComparison.Ordinal);
        Assert.Contains("Exit codes", help, StringComparison.Ordinal);
        Assert.Contains(
            "  gallery image publish [<FILE>] [options]",
            (await line.RunAsync("image", "publish", "-h")).Succeeded().Out,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Without_sign_in_every_command_says_so()
    {
        foreach (
            var args in new[]
            {
                "gallery list",
                "region list",
                "activity list",
                "cost show",
                "version show a/b/c/1.0.0",
                "token",
                "snapshot list",
                "deploy place --version a/b/c/1.0.0 --region r",
            }
        )
        {
            Assert.Contains(
                "gallery login",
                (await line.RunAsync(args.Split(' '))).Failed(ExitCode.NotSignedIn).Error,
                StringComparison.Ordinal
            );
        }
    }
}
