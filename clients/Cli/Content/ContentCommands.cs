using System.CommandLine;

namespace Gallery.Cli.Content;

/// <summary><c>content download</c>.</summary>
internal static class ContentCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) => new("content", "The bytes of a version.") { DownloadCommand.Create(host) };
}
