using Gallery.Cli.Output;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Cli.Tests.Output;

public sealed class HumanTests
{
    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1024, "1 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(4L << 30, "4 GiB")]
    [InlineData(long.MaxValue, "8192 PiB")]
    public void Sizes(long bytes, string expected) => Assert.Equal(expected, Human.Bytes(bytes));

    [Theory]
    [InlineData(3, 0, "3.00 USD")]
    [InlineData(0, 400_000_000, "0.40 USD")]
    [InlineData(0, 132_000_000, "0.132 USD")]
    [InlineData(0, 1_000, "0.000001 USD")]
    [InlineData(-1, -500_000_000, "-1.50 USD")]
    public void Money(long units, int nanos, string expected) =>
        Assert.Equal(
            expected,
            Human.Money(
                new Money
                {
                    CurrencyCode = "USD",
                    Units = units,
                    Nanos = nanos,
                }
            )
        );

    [Fact]
    public void Words_of_enums()
    {
        Assert.Equal("in progress", Human.Words(AggregatedReplicationState.InProgress));
        Assert.Equal("", Human.Words(ProvisioningState.Unspecified));
        Assert.Equal("up", Human.Words(RegionState.Up));
        Assert.Equal("Premium_LRS", Human.Storage(StorageAccountType.PremiumLrs));
    }

    [Fact]
    public void Json_keeps_members_without_a_value_and_is_an_array_for_lists()
    {
        var row = new RegionalReplicationStatus { Region = "östus", TotalBytes = 5 };
        var json = Json.Of(row);
        Assert.Contains("\"region\": \"östus\"", json, StringComparison.Ordinal);
        Assert.Contains("\"totalBytes\": \"5\"", json, StringComparison.Ordinal);
        Assert.Contains("\"progress\": 0", json, StringComparison.Ordinal);
        Assert.DoesNotContain("updateTime", json, StringComparison.Ordinal);
        Assert.Equal("[]", Json.Of(Array.Empty<RegionalReplicationStatus>()));
        Assert.StartsWith("[", Json.Of([row, row]), StringComparison.Ordinal);
    }

    [Fact]
    public void Moments() =>
        Assert.Equal("2026-11-24 10:17:03Z", Human.Time(Timestamp.FromDateTime(new DateTime(2026, 11, 24, 10, 17, 3, DateTimeKind.Utc))));

    [Fact]
    public void A_table_that_is_not_for_a_terminal_has_no_colours_and_never_breaks_a_line()
    {
        using var to = new StringWriter();
        var longName = new string('x', 500);
        new ResultWriter(to, OutputFormat.Table, terminal: false).WriteList(
            [new RegionalReplicationStatus { Region = longName, Progress = 7 }],
            new Column<RegionalReplicationStatus>("REGION", row => row.Region),
            new Column<RegionalReplicationStatus>("PROGRESS", row => $"{row.Progress} [red]", AlignRight: true)
        );
        var lines = to.ToString().TrimEnd('\n').Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith(longName, lines[1], StringComparison.Ordinal);
        Assert.EndsWith("7 [red]", lines[1], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', to.ToString());
    }
}
