using System.CommandLine;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Deploy;

/// <summary><c>deploy advise</c>.</summary>
internal static class AdviseCommand
{
    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var region = DeployOptions.Region();
        var machines = new Option<int>("--count") { Description = "Machines created at the same time.", HelpName = "COUNT" };
        var scaleSets = new Option<int>("--scale-sets") { Description = "Scale sets created at the same time.", HelpName = "COUNT" };
        var command = new Command("advise", "Says how many replicas a roll-out needs in a region, and how many there are.")
        {
            region,
            machines,
            scaleSets,
        };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var request = new AdvisePlacementRequest
                {
                    Image = DeployOptions.Image(invocation, names),
                    Region = invocation.Required(region),
                    MachineCount = invocation.Get(machines),
                    ScaleSetCount = invocation.Get(scaleSets),
                };
                var advice = await invocation.Services.Placement.AdvisePlacementAsync(request, cancellationToken: invocation.Cancellation);
                invocation.Result.WriteResource(
                    advice,
                    [
                        ("Version", advice.Version),
                        ("Replicas needed", Human.Number(advice.ReplicasNeeded)),
                        ("Replicas needed beside the machines that hold leases", Human.Number(advice.ReplicasNeededNow)),
                        ("Replicas ready", Human.Number(advice.ReadyReplicaCount)),
                        ("Machines with leases", Human.Number(advice.LeasedMachineCount)),
                        ("Machines that fit now", Human.Number(advice.FreeMachineCount)),
                        ("Machines a replica serves", Human.Number(advice.MachinesPerReplica)),
                    ]
                );
            }
        );
    }
}
