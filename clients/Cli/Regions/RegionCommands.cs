using System.CommandLine;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Regions;

/// <summary><c>region list</c>.</summary>
internal static class RegionCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) => new("region", "The regions that the gallery spans.") { List(host) };

    private static Command List(CommandHost host) =>
        host.Handle(
            new Command("list", "Lists the regions, how they are, and whether your subscription may use them."),
            async invocation =>
            {
                var request = new ListRegionsRequest { Subscription = $"subscriptions/{invocation.Subscription()}" };
                var answer = await invocation.Services.Regions.ListRegionsAsync(request, cancellationToken: invocation.Cancellation);
                invocation.Result.WriteList(
                    answer.Regions,
                    new Column<Region>("NAME", region => region.Name),
                    new Column<Region>("DISPLAY NAME", region => region.DisplayName),
                    new Column<Region>("CONTINENT", region => region.Continent),
                    new Column<Region>("ZONES", region => Human.Number(region.ZoneCount), AlignRight: true),
                    new Column<Region>("STATE", region => Human.Words(region.State)),
                    new Column<Region>(
                        "AVAILABLE",
                        region => region.Availability == RegionAvailability.Restricted ? "needs approval" : "yes"
                    ),
                    new Column<Region>("USED", region => Human.Bytes(region.UsedBytes), AlignRight: true),
                    new Column<Region>("FREE", region => Human.Bytes(region.AvailableBytes), AlignRight: true),
                    new Column<Region>("DETAILS", region => region.Details)
                );
            }
        );
}
