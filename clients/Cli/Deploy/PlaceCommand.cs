using System.CommandLine;
using System.Globalization;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;
using Google.Protobuf.Collections;

namespace Gallery.Cli.Deploy;

/// <summary><c>deploy place</c>.</summary>
internal static class PlaceCommand
{
    private const int MostMachines = 1000;

    /// <summary>The command.</summary>
    public static Command Create(CommandHost host)
    {
        var region = DeployOptions.Region();
        var count = new Option<int>("--count")
        {
            Description = $"Machines created at the same time, 1 to {MostMachines}.",
            DefaultValueFactory = _ => 1,
            HelpName = "COUNT",
        };
        var minutes = DeployOptions.Minutes();
        var command = new Command(
            "place",
            "Places machines on the least loaded replicas of a version, or of a definition's latest. --output json shows the leases' tokens."
        )
        {
            region,
            count,
            minutes,
        };
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var request = new PlaceDeploymentRequest
                {
                    Image = DeployOptions.Image(invocation, names),
                    Region = invocation.Required(region),
                    MachineCount = invocation.Get(count),
                    LeaseDuration = DeployOptions.Duration(invocation, minutes),
                    RequestId = Invocation.NewRequestId(),
                };
                var answer = await invocation.Services.Placement.PlaceDeploymentAsync(request, cancellationToken: invocation.Cancellation);
                invocation.Result.Say($"Version: {answer.Version}");
                invocation.Result.WriteParts(
                    answer,
                    answer.Leases,
                    new Column<Lease>("LEASE", lease => lease.Name.Split('/')[^1]),
                    new Column<Lease>("REPLICA", lease => lease.Replica.Split('/')[^1]),
                    new Column<Lease>("MACHINES", lease => Human.Number(lease.MachineCount), AlignRight: true),
                    new Column<Lease>("LOAD", lease => Load(answer, lease), AlignRight: true),
                    new Column<Lease>("DISKS", lease => lease.Disks.Count.ToString(CultureInfo.InvariantCulture), AlignRight: true),
                    new Column<Lease>("GRPC", lease => lease.GrpcUrl),
                    new Column<Lease>("HTTP", lease => lease.HttpUrl),
                    new Column<Lease>("EXPIRES", lease => Human.Time(lease.ExpireTime))
                );
                invocation.Result.Say(Spread(answer.Spread));
            }
        );
    }

    private static string Load(PlaceDeploymentResponse answer, Lease lease) =>
        answer.Spread.FirstOrDefault(load => load.Replica == lease.Replica) is { } found
            ? string.Create(CultureInfo.InvariantCulture, $"{found.MachinesBefore} -> {found.MachinesAfter} of {found.MachineCapacity}")
            : "";

    private static string Spread(RepeatedField<ReplicaLoad> loads) =>
        loads.Count == 0
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $"Spread over {loads.Count} replicas: {Range(loads, load => load.MachinesBefore)} machines a replica before, {Range(loads, load => load.MachinesAfter)} now."
            );

    private static string Range(RepeatedField<ReplicaLoad> loads, Func<ReplicaLoad, int> machines)
    {
        var (least, most) = (loads.Min(machines), loads.Max(machines));
        return least == most ? Human.Number(least) : $"{Human.Number(least)} to {Human.Number(most)}";
    }
}
