using System.CommandLine;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Deploy;

/// <summary><c>deploy scaling set|list|end</c>: numbers of replicas that follow the machines placed.</summary>
internal static class ScalingCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("scaling", "Numbers of replicas that follow the machines placed.") { Set(host), List(host), End(host) };

    private static Command Set(CommandHost host)
    {
        var region = DeployOptions.Region();
        var least = new Option<int>("--min")
        {
            Description = "Replicas kept whatever the load, 1 to 100.",
            DefaultValueFactory = _ => 1,
            HelpName = "COUNT",
        };
        var most = new Option<int>("--max")
        {
            Description = "Replicas at most, 1 to 100.",
            Required = true,
            HelpName = "COUNT",
        };
        var minutes = new Option<int?>("--shrink-minutes")
        {
            Description = "How long fewer must have been enough before there are fewer, 0 to 1440; 10 by default.",
            HelpName = "MINUTES",
        };
        var command = new Command("set", "Lets the number of a version's replicas in a region follow the machines placed there.")
        {
            region,
            least,
            most,
            minutes,
        };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var scaling = new ReplicaScaling
                {
                    Version = Version(invocation, names),
                    Region = invocation.Required(region),
                    MinReplicaCount = invocation.Get(least),
                    MaxReplicaCount = invocation.Get(most),
                    ShrinkDelay = DeployOptions.Duration(invocation, minutes),
                };
                var answer = await invocation.Services.Scalings.SetReplicaScalingAsync(
                    new SetReplicaScalingRequest { Scaling = scaling },
                    cancellationToken: invocation.Cancellation
                );
                Write(invocation, [answer.Scaling]);
            }
        );
    }

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists the regions where the number of a version's replicas follows the load.");
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var request = new ListReplicaScalingsRequest { Version = Version(invocation, names) };
                var answer = await invocation.Services.Scalings.ListReplicaScalingsAsync(
                    request,
                    cancellationToken: invocation.Cancellation
                );
                Write(invocation, answer.Scalings);
            }
        );
    }

    private static Command End(CommandHost host)
    {
        var region = DeployOptions.Region();
        var command = new Command("end", "Goes back to the number of replicas that the version's target region names.") { region };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var request = new DeleteReplicaScalingRequest
                {
                    Version = Version(invocation, names),
                    Region = invocation.Required(region),
                };
                await invocation.Services.Scalings.DeleteReplicaScalingAsync(request, cancellationToken: invocation.Cancellation);
                invocation.Result.WriteFact(
                    $"The number of replicas in {request.Region} is fixed again.",
                    ("version", request.Version),
                    ("region", request.Region)
                );
            }
        );
    }

    private static string Version(Invocation invocation, NameOptions names) =>
        invocation.Resolve(ResourceKind.Version, null, names.Of(invocation)).ToString();

    private static void Write(Invocation invocation, IReadOnlyList<ReplicaScaling> scalings) =>
        invocation.Result.WriteList(
            scalings,
            new Column<ReplicaScaling>("REGION", scaling => scaling.Region),
            new Column<ReplicaScaling>("REPLICAS", scaling => Human.Number(scaling.ReplicaCount), AlignRight: true),
            new Column<ReplicaScaling>("MIN", scaling => Human.Number(scaling.MinReplicaCount), AlignRight: true),
            new Column<ReplicaScaling>("MAX", scaling => Human.Number(scaling.MaxReplicaCount), AlignRight: true),
            new Column<ReplicaScaling>(
                "SHRINKS AFTER",
                scaling => scaling.ShrinkDelay is { } delay ? $"{delay.ToTimeSpan().TotalMinutes:0.#} min" : "",
                AlignRight: true
            ),
            new Column<ReplicaScaling>("SURPLUS SINCE", scaling => Human.Time(scaling.SurplusSinceTime))
        );
}
