using System.CommandLine;
using System.Globalization;
using Gallery.Cli.Output;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Regions;

/// <summary><c>region list|show|drain|undrain|access</c>.</summary>
internal static class RegionCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("region", "The regions that the gallery spans.")
        {
            List(host),
            Show(host),
            RegionAccessCommands.Create(host),
            Drain(host),
            Undrain(host),
        };

    /// <summary>The argument that names a region.</summary>
    internal static Argument<string> RegionArgument() => new("REGION") { Description = "The region's name, in any case and spacing." };

    /// <summary>The option that says why.</summary>
    internal static Option<string> ReasonOption(string description) => new("--reason") { Description = description, HelpName = "TEXT" };

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
                    new Column<Region>("AVAILABLE", Availability),
                    new Column<Region>("USED", region => Human.Bytes(region.UsedBytes), AlignRight: true),
                    new Column<Region>("FREE", region => Human.Bytes(region.AvailableBytes), AlignRight: true),
                    new Column<Region>("DETAILS", region => region.Details)
                );
            }
        );

    private static Command Show(CommandHost host)
    {
        var name = RegionArgument();
        return host.Handle(
            new Command("show", "Shows a region: its state, its zones, and how far the other regions are from it.") { name },
            async invocation =>
            {
                var region = (
                    await invocation.Services.Regions.GetRegionAsync(
                        new GetRegionRequest
                        {
                            Name = invocation.Required(name),
                            Subscription = $"subscriptions/{invocation.Subscription()}",
                        },
                        cancellationToken: invocation.Cancellation
                    )
                ).Region;
                WriteRegion(invocation.Result, region);
                if (invocation.Result.IsJson)
                {
                    return;
                }

                WriteZones(invocation.Result, region);
                var links = await invocation.Services.Regions.ListRegionLinksAsync(
                    new ListRegionLinksRequest { Region = region.Name },
                    cancellationToken: invocation.Cancellation
                );
                WriteLinks(invocation.Result, [.. links.Links.Where(link => link.TargetRegion == region.Name)]);
            }
        );
    }

    private static Command Drain(CommandHost host)
    {
        var name = RegionArgument();
        var reason = ReasonOption("Why: shown to whoever waits for the region.");
        return host.Handle(
            new Command("drain", "Takes a region out of use: nothing new is placed in it; what it serves goes on. For operators.")
            {
                name,
                reason,
            },
            async invocation =>
            {
                var request = new DrainRegionRequest { Name = invocation.Required(name), Reason = invocation.Get(reason) ?? "" };
                var answer = await invocation.Services.Regions.DrainRegionAsync(request, cancellationToken: invocation.Cancellation);
                WriteRegion(invocation.Result, answer.Region);
            }
        );
    }

    private static Command Undrain(CommandHost host)
    {
        var name = RegionArgument();
        return host.Handle(
            new Command("undrain", "Takes a drained region back into use; what waited for it goes on. For operators.") { name },
            async invocation =>
            {
                var request = new UndrainRegionRequest { Name = invocation.Required(name) };
                var answer = await invocation.Services.Regions.UndrainRegionAsync(request, cancellationToken: invocation.Cancellation);
                WriteRegion(invocation.Result, answer.Region);
            }
        );
    }

    private static void WriteRegion(ResultWriter result, Region region) =>
        result.WriteResource(
            region,
            [
                ("Name", region.Name),
                ("Display name", region.DisplayName),
                ("Continent", region.Continent),
                ("Zones", Human.Number(region.ZoneCount)),
                ("State", Human.Words(region.State)),
                ("Since", Human.Time(region.StateTime)),
                ("Details", region.Details),
                ("Available to you", region.Availability == RegionAvailability.Unspecified ? "" : Availability(region)),
                ("Used", Human.Bytes(region.UsedBytes)),
                ("Free", Human.Bytes(region.AvailableBytes)),
                ("Replicas", Human.Number(region.ReadyReplicaCount)),
                ("Copies running", Human.Number(region.RunningCopyCount)),
                ("Copies failed lately", Human.Number(region.RecentFailureCount)),
                ("Answered last", Human.Time(region.LastSeenTime)),
                ("gRPC", region.GrpcUrl),
                ("HTTP", region.HttpUrl),
            ]
        );

    private static void WriteZones(ResultWriter result, Region region)
    {
        if (region.Zones.Count == 0)
        {
            return;
        }

        result.Say("");
        result.WriteList(
            region.Zones,
            new Column<RegionZone>("ZONE", zone => Human.Number(zone.Number), AlignRight: true),
            new Column<RegionZone>("HEALTHY", zone => zone.Healthy ? "yes" : "no"),
            new Column<RegionZone>("USED", zone => Human.Bytes(zone.UsedBytes), AlignRight: true),
            new Column<RegionZone>("FREE", zone => Human.Bytes(zone.AvailableBytes), AlignRight: true),
            new Column<RegionZone>("DETAILS", zone => zone.Details)
        );
    }

    private static void WriteLinks(ResultWriter result, IReadOnlyList<RegionLink> links)
    {
        if (links.Count == 0)
        {
            return;
        }

        result.Say("");
        result.WriteList(
            links,
            new Column<RegionLink>("FROM", link => link.SourceRegion),
            new Column<RegionLink>("ROUND TRIP", link => RoundTrip(link.RoundTripMicros), AlignRight: true),
            new Column<RegionLink>(
                "SPEED",
                link => link.BytesPerSecond == 0 ? "" : $"{Human.Bytes(link.BytesPerSecond)}/s",
                AlignRight: true
            ),
            new Column<RegionLink>("MEASURED", link => Human.Time(link.MeasureTime)),
            new Column<RegionLink>("DETAILS", link => link.Details)
        );
    }

    private static string RoundTrip(long micros) =>
        micros == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{micros / 1000.0:0.##} ms");

    private static string Availability(Region region) => region.Availability == RegionAvailability.Restricted ? "needs approval" : "yes";
}
