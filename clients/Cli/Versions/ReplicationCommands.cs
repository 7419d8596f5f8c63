using System.CommandLine;
using Gallery.Cli.Names;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Versions;

/// <summary><c>version cancel|retry</c>.</summary>
internal static class ReplicationCommands
{
    /// <summary>Ends copying.</summary>
    public static Command Cancel(CommandHost host)
    {
        var name = VersionCommands.NameArgument();
        var region = new Option<string>("--region") { Description = "Only in this region; in all that are not complete when left out." };
        var command = new Command("cancel", "Ends the replication of a version. What was copied stays, and a retry goes on from there.")
        {
            name,
            region,
        };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var version = invocation.Resolve(ResourceKind.Version, invocation.Get(name), names.Of(invocation));
                var request = new CancelReplicationRequest { Version = version.ToString(), Region = invocation.Get(region) ?? "" };
                var answer = await invocation.Services.Replication.CancelReplicationAsync(
                    request,
                    cancellationToken: invocation.Cancellation
                );
                VersionStatusCommand.Write(invocation, answer.Status);
            }
        );
    }

    /// <summary>Tries a region again.</summary>
    public static Command Retry(CommandHost host)
    {
        var name = VersionCommands.NameArgument();
        var region = new Option<string>("--region") { Description = "The region.", Required = true };
        var command = new Command("retry", "Tries a region again now, whether it waits, was given up or cancelled.") { name, region };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var version = invocation.Resolve(ResourceKind.Version, invocation.Get(name), names.Of(invocation));
                var request = new RetryRegionRequest { Version = version.ToString(), Region = invocation.Required(region) };
                var answer = await invocation.Services.Replication.RetryRegionAsync(request, cancellationToken: invocation.Cancellation);
                VersionStatusCommand.Write(invocation, answer.Status);
            }
        );
    }
}
