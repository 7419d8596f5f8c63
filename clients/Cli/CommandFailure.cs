namespace Gallery.Cli;

/// <summary>A command that cannot go on, in words for the person who typed it.</summary>
internal sealed class CommandFailure(int exitCode, string message, string? advice = null, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>One of <see cref="Cli.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>What to do about it; null when the message says it all.</summary>
    public string? Advice { get; } = advice;

    /// <summary>The command line is wrong.</summary>
    public static CommandFailure Usage(string message, string? advice = null) => new(Cli.ExitCode.Usage, message, advice);

    /// <summary>It was tried, and it failed.</summary>
    public static CommandFailure Failed(string message, string? advice = null, Exception? inner = null) =>
        new(Cli.ExitCode.Refused, message, advice, inner);

    /// <summary>Nobody is signed in.</summary>
    public static CommandFailure NotSignedIn(string message) =>
        new(Cli.ExitCode.NotSignedIn, message, "Sign in with 'gallery login --as NAME' or 'gallery login --client-id ID'.");

    /// <summary>Something does not answer.</summary>
    public static CommandFailure Unavailable(string message, string? advice = null, Exception? inner = null) =>
        new(Cli.ExitCode.Unavailable, message, advice, inner);
}
