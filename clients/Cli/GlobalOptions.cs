using System.CommandLine;
using Gallery.Cli.Output;

namespace Gallery.Cli;

/// <summary>The options that every command takes.</summary>
internal sealed class GlobalOptions
{
    private readonly Option<string> output = new("--output", "-o")
    {
        Description = "How the result is written: table, or json (protobuf JSON of the resource, or an array of them).",
        DefaultValueFactory = _ => "table",
        Recursive = true,
    };

    private readonly Option<string?> subscription = new("--subscription")
    {
        Description = "The subscription's id; else GALLERY_SUBSCRIPTION, else the signed-in person's.",
        Recursive = true,
    };

    public GlobalOptions() => output.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, "table", "json");

    /// <summary>Adds them to the root, for all commands below.</summary>
    public void AddTo(RootCommand root)
    {
        root.Add(output);
        root.Add(subscription);
    }

    /// <summary>The format that was asked for; a table where the command line is too wrong to tell.</summary>
    public OutputFormat FormatOf(ParseResult parsed) =>
        parsed.GetResult(output) is { Tokens: [{ Value: var value }] } && value.Equals("json", StringComparison.OrdinalIgnoreCase)
            ? OutputFormat.Json
            : OutputFormat.Table;

    /// <summary>The subscription that was named; null when none was.</summary>
    public string? SubscriptionOf(ParseResult parsed) => parsed.GetValue(subscription) is { Length: > 0 } id ? id : null;
}
