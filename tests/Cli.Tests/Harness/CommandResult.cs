using System.Text.Json.Nodes;

namespace Gallery.Cli.Tests.Harness;

/// <summary>How a command ended and what it wrote.</summary>
internal sealed record CommandResult(int ExitCode, string Out, string Error)
{
    public JsonNode Json => JsonNode.Parse(Out)!;

    public JsonNode ErrorJson => JsonNode.Parse(Error)!["error"]!;

    public CommandResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"Exit code {ExitCode}\n{Error}\n{Out}");
        return this;
    }

    /// <summary>Ended with this exit code, in words and without a stack trace.</summary>
    public CommandResult Failed(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"Exit code {ExitCode} instead of {exitCode}\n{Error}\n{Out}");
        Assert.NotEmpty(Error);
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", Error, StringComparison.Ordinal);
        return this;
    }
}
