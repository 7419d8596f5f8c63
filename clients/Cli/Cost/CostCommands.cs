using System.CommandLine;
using System.Globalization;
using Gallery.Cli.Output;
using Gallery.Contracts.Billing.V1;

namespace Gallery.Cli.Cost;

/// <summary><c>cost estimate|show</c>.</summary>
internal static class CostCommands
{
    /// <summary>The command with its children.</summary>
    public static Command Create(CommandHost host) =>
        new("cost", "What it would cost, and what it did cost.") { EstimateCommand.Create(host), Show(host) };

    /// <summary>How a line of an estimate or a statement is shown.</summary>
    public static Column<ChargeLine>[] Columns(bool withResource) =>
        [
            .. withResource
                ? [new Column<ChargeLine>("RESOURCE", line => Names.ResourceName.TryParse(line.Resource)?.Short ?? line.Resource)]
                : Array.Empty<Column<ChargeLine>>(),
            new("METER", line => MeterName(line.Meter)),
            new("REGION", line => line.SourceRegion.Length > 0 ? $"{line.SourceRegion} → {line.Region}" : line.Region),
            new(
                "COUNT",
                line =>
                    line.Meter == Meter.InterRegionEgress
                        ? Count(line.CopyCount, "copy", "copies")
                        : Count(line.SnapshotCount, "snapshot", "snapshots"),
                AlignRight: true
            ),
            new("BYTES", line => Human.Bytes(line.BilledBytes), AlignRight: true),
            new("QUANTITY", line => $"{line.Quantity} {line.Unit}", AlignRight: true),
            new("UNIT PRICE", line => Human.Money(line.UnitPrice), AlignRight: true),
            new("AMOUNT", line => Human.Money(line.Amount), AlignRight: true),
        ];

    private static Command Show(CommandHost host)
    {
        var month = new Option<string?>("--month") { Description = "The month, yyyy-MM; this one by default.", HelpName = "YYYY-MM" };
        var by = new Option<string?>("--by")
        {
            Description = "What the lines are told apart by: meter, region, version, definition, gallery or group.",
            DefaultValueFactory = _ => "version",
        };
        by.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, "meter", "region", "version", "definition", "gallery", "group");
        var command = new Command("show", "Shows the bill of a month.") { month, by };
        return host.Handle(
            command,
            async invocation =>
            {
                var which =
                    invocation.Get(month) ?? invocation.Surroundings.Time.GetUtcNow().ToString("yyyy-MM", CultureInfo.InvariantCulture);
                var grouping = Grouping(invocation.Get(by));
                var statement = await ReadAsync(invocation, $"subscriptions/{invocation.Subscription()}/statements/{which}", grouping);
                invocation.Result.Say($"Statement of {statement.Month}, charged until {Human.Time(statement.ChargedUntilTime)}");
                invocation.Result.WriteParts(
                    statement,
                    statement.Lines,
                    Columns(grouping is not (StatementGrouping.Meter or StatementGrouping.Region))
                );
                var parts = $"Storage {Human.Money(statement.StorageTotal)}, egress {Human.Money(statement.EgressTotal)}";
                invocation.Result.Say($"{parts}, total {Human.Money(statement.Total)}");
            }
        );
    }

    /// <summary>Reads all pages into one statement.</summary>
    private static async Task<Statement> ReadAsync(Invocation invocation, string name, StatementGrouping grouping)
    {
        Statement? whole = null;
        var page = "";
        do
        {
            var request = new GetStatementRequest
            {
                Name = name,
                GroupBy = grouping,
                PageToken = page,
            };
            var answer = await invocation.Services.Statements.GetStatementAsync(request, cancellationToken: invocation.Cancellation);
            if (whole is null)
            {
                whole = answer.Statement;
            }
            else
            {
                whole.Lines.AddRange(answer.Statement.Lines);
            }

            page = answer.NextPageToken;
        } while (page.Length > 0);

        return whole;
    }

    private static StatementGrouping Grouping(string? by) =>
        by?.ToLowerInvariant() switch
        {
            "meter" => StatementGrouping.Meter,
            "region" => StatementGrouping.Region,
            "definition" => StatementGrouping.Definition,
            "gallery" => StatementGrouping.Gallery,
            "group" => StatementGrouping.ResourceGroup,
            _ => StatementGrouping.Version,
        };

    private static string MeterName(Meter meter) =>
        meter switch
        {
            Meter.StandardLrsSnapshot => "Standard_LRS snapshots",
            Meter.StandardZrsSnapshot => "Standard_ZRS snapshots",
            Meter.PremiumLrsSnapshot => "Premium_LRS snapshots",
            Meter.PremiumV2LrsSnapshot => "PremiumV2_LRS snapshots",
            Meter.InterRegionEgress => "inter-region egress",
            _ => "",
        };

    private static string Count(long count, string one, string several) => $"{Human.Number(count)} {(count == 1 ? one : several)}";
}
