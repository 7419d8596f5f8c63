using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;

namespace Gallery.Billing.Tests;

/// <summary>
/// The example that the product was asked for with: a 127 GB OS disk of which 10 GB are used and an empty 32 GB data disk, in 3 regions with
/// 2 replicas each, is 6 snapshots of 10 GB a month, and egress for the first replica in each of the 2 added regions.
/// </summary>
[Collection("billing")]
public sealed class SeedExampleTests(BillingFixture fixture)
{
    private const long UsedBytesOfOsDisk = 10 * BillingFixture.Gb;
    private const long UsedBytesOfEmptyDataDisk = 0;
    private const long Occupied = UsedBytesOfOsDisk + UsedBytesOfEmptyDataDisk;

    private static readonly (string Region, int Replicas)[] Regions = [("eastus", 2), ("westus", 2), ("westus2", 2)];
    private static readonly DateTimeOffset January = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task The_statement_of_the_month_shows_it()
    {
        var subscription = BillingFixture.NewSubscription();
        await fixture.PublishAsync(BillingFixture.VersionOf(subscription), Occupied, January, Regions);
        await fixture.RecordedAsync(subscription, 6);
        AtEndOfMonth();

        var statement = await fixture.StatementAsync(subscription, "2026-01", StatementGrouping.Meter);

        var storage = Assert.Single(statement.Lines, line => line.Meter == Meter.StandardLrsSnapshot);
        Assert.Equal(6, storage.SnapshotCount);
        Assert.Equal(6 * 10 * BillingFixture.Gb, storage.BilledBytes);
        Assert.Equal("60", storage.Quantity);
        Assert.Equal("GB-month", storage.Unit);
        Assert.Equal(0.05m, BillingFixture.Of(storage.UnitPrice));
        Assert.Equal(3.00m, BillingFixture.Of(storage.Amount));

        var egress = Assert.Single(statement.Lines, line => line.Meter == Meter.InterRegionEgress);
        Assert.Equal(2, egress.CopyCount);
        Assert.Equal(2 * 10 * BillingFixture.Gb, egress.BilledBytes);
        Assert.Equal("20", egress.Quantity);
        Assert.Equal("GB", egress.Unit);
        Assert.Equal(0.02m, BillingFixture.Of(egress.UnitPrice));
        Assert.Equal(0.40m, BillingFixture.Of(egress.Amount));

        Assert.Equal(6, statement.SnapshotCount);
        Assert.Equal(3.00m, BillingFixture.Of(statement.StorageTotal));
        Assert.Equal(0.40m, BillingFixture.Of(statement.EgressTotal));
        Assert.Equal(3.40m, BillingFixture.Of(statement.Total));
        Assert.Equal(2, statement.Lines.Count);
    }

    [Fact]
    public async Task The_next_month_costs_storage_only()
    {
        var subscription = BillingFixture.NewSubscription();
        await fixture.PublishAsync(BillingFixture.VersionOf(subscription), Occupied, January.AddDays(-12), Regions);
        await fixture.RecordedAsync(subscription, 6);
        AtEndOfMonth();

        var statement = await fixture.StatementAsync(subscription, "2026-01");

        Assert.Equal(3.00m, BillingFixture.Of(statement.Total));
        Assert.Equal("0", statement.EgressQuantity);
    }

    [Fact]
    public async Task The_estimate_tells_the_same_beforehand()
    {
        var request = new EstimateCostRequest
        {
            Parent = $"subscriptions/{BillingFixture.NewSubscription()}",
            OccupiedSizeBytes = Occupied,
            SourceRegion = "eastus",
            TargetRegions = { Regions.Select(each => new EstimatedRegion { Region = each.Region, ReplicaCount = each.Replicas }) },
        };

        var estimate = await fixture.Estimates().EstimateCostAsync(request);

        Assert.Equal(6, estimate.SnapshotCount);
        Assert.Equal(["eastus", "westus", "westus2"], estimate.MonthlyLines.Select(line => line.Region));
        Assert.All(
            estimate.MonthlyLines,
            line =>
            {
                Assert.Equal(2, line.SnapshotCount);
                Assert.Equal("20", line.Quantity);
                Assert.Equal(1.00m, BillingFixture.Of(line.Amount));
            }
        );
        Assert.Equal(3.00m, BillingFixture.Of(estimate.MonthlyTotal));
        Assert.Equal(["westus", "westus2"], estimate.OneOffLines.Select(line => line.Region));
        Assert.All(
            estimate.OneOffLines,
            line =>
            {
                Assert.Equal("eastus", line.SourceRegion);
                Assert.Equal("10", line.Quantity);
                Assert.Equal(0.20m, BillingFixture.Of(line.Amount));
            }
        );
        Assert.Equal(0.40m, BillingFixture.Of(estimate.OneOffTotal));
        Assert.Equal("priceSheets/default", estimate.PriceSheet);
    }

    [Fact]
    public async Task Estimate_and_statement_agree_line_by_line()
    {
        const long Odd = 12_345_678_901;
        (string Region, int Replicas)[] regions = [("northeurope", 3), ("eastus", 7), ("brazilsouth", 1), ("southeastasia", 2)];
        var subscription = BillingFixture.NewSubscription();
        await fixture.PublishAsync(BillingFixture.VersionOf(subscription), Odd, January, regions, StorageAccountType.PremiumLrs);
        await fixture.RecordedAsync(subscription, 13);
        AtEndOfMonth();

        var statement = await fixture.StatementAsync(subscription, "2026-01");
        var estimate = await fixture
            .Estimates()
            .EstimateCostAsync(
                new EstimateCostRequest
                {
                    Parent = $"subscriptions/{subscription}",
                    OccupiedSizeBytes = Odd,
                    SourceRegion = "northeurope",
                    PriceTime = Google.Protobuf.WellKnownTypes.Timestamp.FromDateTimeOffset(January),
                    TargetRegions =
                    {
                        regions.Select(each => new EstimatedRegion
                        {
                            Region = each.Region,
                            ReplicaCount = each.Replicas,
                            StorageAccountType = StorageAccountType.PremiumLrs,
                        }),
                    },
                }
            );

        Assert.Equal(
            statement.Lines.OrderBy(line => (line.Meter, line.Region)),
            estimate.MonthlyLines.Concat(estimate.OneOffLines).OrderBy(line => (line.Meter, line.Region))
        );
        Assert.Equal(statement.StorageTotal, estimate.MonthlyTotal);
        Assert.Equal(statement.EgressTotal, estimate.OneOffTotal);
    }

    private void AtEndOfMonth()
    {
        var end = January.AddMonths(1);
        if (fixture.Host.Time.GetUtcNow() < end)
        {
            fixture.Host.Time.SetUtcNow(end);
        }
    }
}
