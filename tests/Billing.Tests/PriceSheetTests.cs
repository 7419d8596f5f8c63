using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Billing.Tests;

[Collection("billing")]
public sealed class PriceSheetTests(BillingFixture fixture)
{
    [Fact]
    public async Task The_public_prices_hold_when_nothing_else_is_configured()
    {
        var client = new PriceSheetService.PriceSheetServiceClient(fixture.Host.ChannelAs(TestPrincipal.Reader));

        var sheet = (await client.GetPriceSheetAsync(new GetPriceSheetRequest { Name = "priceSheets/current" })).PriceSheet;

        Assert.Equal("priceSheets/default", sheet.Name);
        Assert.Equal("USD", sheet.CurrencyCode);
        Assert.Null(sheet.EffectiveTime);
        Assert.Equal(
            [
                (StorageAccountType.StandardLrs, 0.05m),
                (StorageAccountType.StandardZrs, 0.05m),
                (StorageAccountType.PremiumLrs, 0.132m),
                (StorageAccountType.PremiumV2Lrs, 0.132m),
            ],
            sheet.StoragePrices.Select(price => (price.StorageAccountType, BillingFixture.Of(price.PricePerGbMonth)))
        );
        Assert.Equal(
            0.02m,
            BillingFixture.Of(
                Assert
                    .Single(sheet.EgressPrices, price => price.Continents is { SourceContinent: "Europe", TargetContinent: "Europe" })
                    .PricePerGb
            )
        );
        Assert.Equal([sheet], (await client.ListPriceSheetsAsync(new ListPriceSheetsRequest())).PriceSheets);
    }

    [Fact]
    public async Task Configured_sheets_are_shown_in_the_order_of_time()
    {
        await using var host = await fixture.StartAsync(builder => Configure(builder, "2026-03-01T00:00:00Z"));
        var client = new PriceSheetService.PriceSheetServiceClient(host.ChannelAs(TestPrincipal.Reader));

        var first = await client.ListPriceSheetsAsync(new ListPriceSheetsRequest { PageSize = 1 });
        var second = await client.ListPriceSheetsAsync(new ListPriceSheetsRequest { PageSize = 1, PageToken = first.NextPageToken });

        Assert.Equal("priceSheets/old", Assert.Single(first.PriceSheets).Name);
        Assert.Equal("priceSheets/new", Assert.Single(second.PriceSheets).Name);
        Assert.Empty(second.NextPageToken);
        Assert.Equal(
            "priceSheets/old",
            (await client.GetPriceSheetAsync(new GetPriceSheetRequest { Name = "priceSheets/current" })).PriceSheet.Name
        );
        host.Time.SetUtcNow(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero));
        Assert.Equal(
            "priceSheets/new",
            (await client.GetPriceSheetAsync(new GetPriceSheetRequest { Name = "priceSheets/current" })).PriceSheet.Name
        );
    }

    [Fact]
    public async Task What_is_asked_wrongly_is_refused()
    {
        var client = new PriceSheetService.PriceSheetServiceClient(fixture.Host.ChannelAs(TestPrincipal.Reader));
        await Refused.WithAsync(
            () => client.GetPriceSheetAsync(new GetPriceSheetRequest { Name = "default" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => client.GetPriceSheetAsync(new GetPriceSheetRequest { Name = "priceSheets/none" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        await Refused.WithAsync(
            () => client.ListPriceSheetsAsync(new ListPriceSheetsRequest { PageSize = -1 }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () => client.UpdatePriceSheetAsync(new UpdatePriceSheetRequest()),
            StatusCode.Unimplemented,
            ErrorReason.NotSupportedYet
        );
    }

    [Theory]
    [InlineData("Id", "Current sheet", "Id")]
    [InlineData("Currency", "euro", "Currency")]
    [InlineData("Storage:0:Type", "Floppy", "Floppy")]
    [InlineData("Storage:0:Type", "StandardZrs", "without a region")]
    [InlineData("Storage:0:PricePerGbMonth", "-1", "Storage")]
    [InlineData("Storage:0:PricePerGbMonth", "0.0000000001", "nine digits")]
    [InlineData("Egress:0:SourceRegion", "eastus", "Egress")]
    [InlineData("Egress:0:SourceContinent", "Asia", "without any condition")]
    public async Task Prices_that_make_no_sense_stop_the_service(string setting, string value, string named)
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            fixture.StartAsync(builder =>
            {
                Configure(builder, "2026-03-01T00:00:00Z");
                builder.WithSetting($"Billing:PriceSheets:0:{setting}", value);
            })
        );

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Contains("Billing:PriceSheets:0", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Two sheets in euros: standard storage at 0.10, and at 0.20 from a time on; egress at 0.01.</summary>
    internal static void Configure(ServiceHostBuilder builder, string change)
    {
        foreach (var (index, id, price) in new[] { (0, "old", "0.10"), (1, "new", "0.20") })
        {
            var path = $"Billing:PriceSheets:{index}";
            builder.WithSetting($"{path}:Id", id).WithSetting($"{path}:Currency", "EUR").WithSetting($"{path}:Egress:0:PricePerGb", "0.01");
            foreach (var (number, type) in new[] { (0, "StandardLrs"), (1, "StandardZrs"), (2, "PremiumLrs"), (3, "PremiumV2Lrs") })
            {
                builder.WithSetting($"{path}:Storage:{number}:Type", type).WithSetting($"{path}:Storage:{number}:PricePerGbMonth", price);
            }
        }

        builder.WithSetting("Billing:PriceSheets:1:EffectiveTime", change);
    }
}
