using System.CommandLine;
using System.Globalization;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Cli.Deploy;

/// <summary><c>deploy place|release</c>.</summary>
internal static class DeployCommands
{
    private const int MostMachines = 1000;

    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("deploy", "Replicas for machines that are being created.") { Place(host), Release(host) };

    private static Command Place(CommandHost host)
    {
        var region = new Option<string>("--region")
        {
            Description = "The region that the machines are in.",
            Required = true,
            HelpName = "REGION",
        };
        var count = new Option<int>("--count")
        {
            Description = $"Machines created at the same time, 1 to {MostMachines}.",
            DefaultValueFactory = _ => 1,
            HelpName = "COUNT",
        };
        var minutes = new Option<int?>("--minutes")
        {
            Description = "How long the leases last, 1 to 1440; 60 by default.",
            HelpName = "MINUTES",
        };
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
                var parts = names.Of(invocation);
                var image = invocation.Resolve(parts.Version is null ? ResourceKind.Definition : ResourceKind.Version, null, parts);
                var request = new PlaceDeploymentRequest
                {
                    Image = image.ToString(),
                    Region = invocation.Required(region),
                    MachineCount = invocation.Get(count),
                    LeaseDuration = invocation.Get(minutes) is { } lasting ? Duration.FromTimeSpan(TimeSpan.FromMinutes(lasting)) : null,
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
                    new Column<Lease>("DISKS", lease => lease.Disks.Count.ToString(CultureInfo.InvariantCulture), AlignRight: true),
                    new Column<Lease>("GRPC", lease => lease.GrpcUrl),
                    new Column<Lease>("HTTP", lease => lease.HttpUrl),
                    new Column<Lease>("EXPIRES", lease => Human.Time(lease.ExpireTime))
                );
            }
        );
    }

    private static Command Release(CommandHost host)
    {
        var name = new Argument<string>("LEASE") { Description = "The lease, as 'deploy place' named it, or in full." };
        var command = new Command("release", "Ends a lease before it ends by itself.") { name };
        return host.Handle(
            command,
            async invocation =>
            {
                var lease = invocation.Required(name);
                var full = ResourceName.IsFull(lease) ? lease.Trim('/') : $"subscriptions/{invocation.Subscription()}/leases/{lease}";
                await invocation.Services.Placement.ReleaseLeaseAsync(
                    new ReleaseLeaseRequest { Name = full },
                    cancellationToken: invocation.Cancellation
                );
                invocation.Result.WriteFact($"Released {full.Split('/')[^1]}.", ("released", full));
            }
        );
    }
}
