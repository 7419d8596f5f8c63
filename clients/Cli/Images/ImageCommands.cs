using System.CommandLine;

namespace Gallery.Cli.Images;

/// <summary><c>image publish</c>.</summary>
internal static class ImageCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) => new("image", "Brings disks in.") { PublishCommand.Create(host) };
}
