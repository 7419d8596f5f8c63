using System.CommandLine;

namespace Gallery.Cli.Deploy;

/// <summary><c>deploy place|advise|lease|release|scaling</c>.</summary>
internal static class DeployCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("deploy", "Replicas for machines that are being created.")
        {
            PlaceCommand.Create(host),
            AdviseCommand.Create(host),
            LeaseCommands.Create(host),
            LeaseCommands.Release(host),
            ScalingCommands.Create(host),
        };
}
