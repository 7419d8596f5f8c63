using System.CommandLine;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Versions;

/// <summary><c>version replicas</c>.</summary>
internal static class VersionReplicasCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var name = VersionCommands.NameArgument();
        var region = new Option<string?>("--region") { Description = "Only the replicas of this region." };
        var command = new Command("replicas", "Lists the replicas of a version, and when each was last read and checked as a whole.")
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
                var replicas = await Pages.ReadAllAsync(async page =>
                {
                    var request = new ListReplicasRequest
                    {
                        Parent = version.ToString(),
                        Region = invocation.Get(region) ?? "",
                        PageSize = Pages.Size,
                        PageToken = page,
                    };
                    var answer = await invocation.Services.Replication.ListReplicasAsync(
                        request,
                        cancellationToken: invocation.Cancellation
                    );
                    return ((IEnumerable<Replica>)answer.Replicas, answer.NextPageToken);
                });
                invocation.Result.WriteList(
                    replicas,
                    new Column<Replica>("REGION", replica => replica.Region),
                    new Column<Replica>("REPLICA", replica => $"{replica.Ordinal}", AlignRight: true),
                    new Column<Replica>("TYPE", replica => Human.Words(replica.StorageAccountType)),
                    new Column<Replica>("STATE", replica => Human.Words(replica.State)),
                    new Column<Replica>("READY", replica => Human.Time(replica.ReadyTime)),
                    new Column<Replica>("CHECKED", replica => Human.Time(replica.LastVerifiedTime)),
                    new Column<Replica>("MACHINES", replica => $"{replica.LeasedMachineCount}", AlignRight: true),
                    new Column<Replica>("DETAILS", replica => replica.Details)
                );
            }
        );
    }
}
