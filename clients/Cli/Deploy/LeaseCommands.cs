using System.CommandLine;
using Gallery.Cli.Endpoints;
using Gallery.Cli.Names;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Deploy;

/// <summary><c>deploy lease list|show|renew|release</c>, and <c>deploy release</c> for short.</summary>
internal static class LeaseCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("lease", "Leases of machines on replicas.") { List(host), Show(host), Renew(host), Release(host) };

    /// <summary>Ends a lease.</summary>
    public static Command Release(CommandHost host)
    {
        var name = NameArgument();
        var command = new Command("release", "Ends a lease before it ends by itself. Ending it twice is no error.") { name };
        return host.Handle(
            command,
            async invocation =>
            {
                var full = DeployOptions.Lease(invocation, invocation.Required(name));
                await invocation.Services.Placement.ReleaseLeaseAsync(
                    new ReleaseLeaseRequest { Name = full },
                    cancellationToken: invocation.Cancellation
                );
                invocation.Result.WriteFact($"Released {full.Split('/')[^1]}.", ("released", full));
            }
        );
    }

    private static Argument<string> NameArgument() => new("LEASE") { Description = "The lease, as 'deploy place' named it, or in full." };

    private static Command List(CommandHost host)
    {
        var command = new Command("list", "Lists the leases on a version that have not ended, in all regions.");
        var names = NameOptions.AddTo(command, ResourceKind.Version);
        return host.Handle(
            command,
            async invocation =>
            {
                var version = invocation.Resolve(ResourceKind.Version, null, names.Of(invocation)).ToString();
                var leases = await Pages.ReadAllAsync(async page =>
                {
                    var request = new ListLeasesRequest
                    {
                        Version = version,
                        PageSize = Pages.Size,
                        PageToken = page,
                    };
                    var answer = await invocation.Services.Placement.ListLeasesAsync(request, cancellationToken: invocation.Cancellation);
                    return ((IEnumerable<Lease>)answer.Leases, answer.NextPageToken);
                });
                invocation.Result.WriteList(
                    leases,
                    new Column<Lease>("LEASE", lease => lease.Name.Split('/')[^1]),
                    new Column<Lease>("REGION", lease => lease.Region),
                    new Column<Lease>("REPLICA", lease => lease.Replica.Split('/')[^1]),
                    new Column<Lease>("MACHINES", lease => Human.Number(lease.MachineCount), AlignRight: true),
                    new Column<Lease>("EXPIRES", lease => Human.Time(lease.ExpireTime))
                );
            }
        );
    }

    private static Command Show(CommandHost host)
    {
        var name = NameArgument();
        var command = new Command("show", "Shows a lease, without its token.") { name };
        return host.Handle(
            command,
            async invocation =>
            {
                var request = new GetLeaseRequest { Name = DeployOptions.Lease(invocation, invocation.Required(name)) };
                Write(
                    invocation,
                    (await invocation.Services.Placement.GetLeaseAsync(request, cancellationToken: invocation.Cancellation)).Lease
                );
            }
        );
    }

    private static Command Renew(CommandHost host)
    {
        var name = NameArgument();
        var minutes = DeployOptions.Minutes();
        var command = new Command("renew", "Makes a lease last longer, from now. --output json shows its new token.") { name, minutes };
        return host.Handle(
            command,
            async invocation =>
            {
                var request = new RenewLeaseRequest
                {
                    Name = DeployOptions.Lease(invocation, invocation.Required(name)),
                    LeaseDuration = DeployOptions.Duration(invocation, minutes),
                };
                Write(
                    invocation,
                    (await invocation.Services.Placement.RenewLeaseAsync(request, cancellationToken: invocation.Cancellation)).Lease
                );
            }
        );
    }

    private static void Write(Invocation invocation, Lease lease) =>
        invocation.Result.WriteResource(
            lease,
            [
                ("Name", lease.Name),
                ("Version", lease.Version),
                ("Region", lease.Region),
                ("Replica", lease.Replica),
                ("Machines", Human.Number(lease.MachineCount)),
                ("gRPC", lease.GrpcUrl),
                ("HTTP", lease.HttpUrl),
                ("Expires", Human.Time(lease.ExpireTime)),
            ]
        );
}
