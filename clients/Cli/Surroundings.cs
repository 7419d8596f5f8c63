namespace Gallery.Cli;

/// <summary>What a command sees of the world: the process's own in production, a test's in a test.</summary>
internal sealed record Surroundings
{
    /// <summary>Reads an environment variable; null when it is not set.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>Standard input.</summary>
    public required TextReader In { get; init; }

    /// <summary>Standard output: results, and nothing else.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Standard error: progress and refusals.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>True when standard output is a terminal that understands colours and movement.</summary>
    public bool OutIsTerminal { get; init; }

    /// <summary>True when standard error is such a terminal: progress is drawn as bars, and as plain lines otherwise.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The process's own surroundings.</summary>
    public static Surroundings OfThisProcess()
    {
        var dumb = Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb" && !OperatingSystem.IsWindows();
        return new Surroundings
        {
            Variable = Environment.GetEnvironmentVariable,
            In = Console.In,
            Out = Console.Out,
            Error = Console.Error,
            OutIsTerminal = !Console.IsOutputRedirected && !dumb,
            ErrorIsTerminal = !Console.IsErrorRedirected && !dumb,
        };
    }

    /// <summary>An environment variable's value, null also when it is empty.</summary>
    public string? Setting(string name) => Variable(name) is { Length: > 0 } value ? value : null;
}
