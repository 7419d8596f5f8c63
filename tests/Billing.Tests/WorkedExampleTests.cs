using Gallery.Billing.Charges;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;

namespace Gallery.Billing.Tests;

/// <summary>The worked examples B1 to B9 of semantics.md 6.</summary>
[Collection("billing")]
public sealed class WorkedExampleTests(BillingFixture fixture)
{
    private const string Three = "eastus=2 westus=2 westus2=2";
    private const string ThreeZrs = "eastus=2 westus2=2 centralus=2";
    private const string Five = "eastus=5 westus2=3 westeurope=3 northeurope=2 southeastasia=1";

    [Theory]
    [InlineData("B1", 10, Three, StorageAccountType.StandardLrs, "", false, false, 6, 3.00, 0.40)]
    [InlineData("B2", 10, Three, StorageAccountType.PremiumLrs, "", false, false, 6, 7.92, 0.40)]
    [InlineData("B3", 10, ThreeZrs, StorageAccountType.StandardZrs, "", false, false, 6, 3.00, 0.40)]
    [InlineData("B4", 10, "eastus=5 westus=5 westus2=5", StorageAccountType.StandardLrs, "westus westus2", false, false, 15, 7.50, 0)]
    [InlineData("B5", 120, Five, StorageAccountType.StandardLrs, "", false, false, 14, 84.00, 20.40)]
    [InlineData("B6", 120, Five, StorageAccountType.StandardLrs, "", false, true, 5, 30.00, 0)]
    [InlineData("B7", 50, Three, StorageAccountType.StandardLrs, "", false, false, 6, 15.00, 2.00)]
    [InlineData("B9", 120, Five, StorageAccountType.StandardLrs, "", true, false, 0, 0, 0)]
    [InlineData("empty disks", 0, Three, StorageAccountType.StandardLrs, "", false, false, 6, 0, 0)]
    [InlineData("PremiumV2", 10, Three, StorageAccountType.PremiumV2Lrs, "", false, false, 6, 7.92, 0.40)]
    [InlineData("home alone", 10, "brazilsouth=1", StorageAccountType.StandardLrs, "", false, false, 1, 0.50, 0)]
    public async Task An_estimate_comes_to_what_the_example_says(
        string example,
        long gigabytes,
        string targets,
        StorageAccountType type,
        string replicated,
        bool shallow,
        bool softDeleted,
        int snapshots,
        double monthly,
        double oneOff
    )
    {
        var request = Request(gigabytes, targets, type);
        request.ReplicatedRegions.AddRange(replicated.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        request.Shallow = shallow;
        request.SoftDeleted = softDeleted;

        var estimate = await fixture.Estimates().EstimateCostAsync(request);

        Assert.True(snapshots == estimate.SnapshotCount, example);
        Assert.Equal((decimal)monthly, BillingFixture.Of(estimate.MonthlyTotal));
        Assert.Equal((decimal)oneOff, BillingFixture.Of(estimate.OneOffTotal));
        Assert.Equal(BillingFixture.Of(estimate.MonthlyTotal), estimate.MonthlyLines.Sum(line => BillingFixture.Of(line.Amount)));
        Assert.Equal(BillingFixture.Of(estimate.OneOffTotal), estimate.OneOffLines.Sum(line => BillingFixture.Of(line.Amount)));
    }

    [Fact]
    public async Task B8_keeping_three_of_thirty_versions_costs_a_tenth()
    {
        var january = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var (all, kept) = (BillingFixture.NewSubscription(), BillingFixture.NewSubscription());
        for (var version = 1; version <= 30; version++)
        {
            foreach (var subscription in new[] { all, kept })
            {
                var name = BillingFixture.VersionOf(subscription, $"1.0.{version}");
                var events = await fixture.PublishAsync(
                    name,
                    10 * BillingFixture.Gb,
                    january.AddDays(-7 * version),
                    [("eastus", 2), ("westus", 2), ("westus2", 2)]
                );
                foreach (var ready in events.Where(_ => subscription == kept && version > 3))
                {
                    await fixture.TellAsync(BillingFixture.Gone(ready, january.AddHours(-1)));
                }
            }
        }

        await fixture.RecordedAsync(all, 180);
        await fixture.RecordedAsync(kept, 180);
        if (fixture.Host.Time.GetUtcNow() < january.AddMonths(1))
        {
            fixture.Host.Time.SetUtcNow(january.AddMonths(1));
        }

        Assert.Equal(90.00m, BillingFixture.Of((await fixture.StatementAsync(all, "2026-01")).StorageTotal));
        Assert.Equal(9.00m, BillingFixture.Of((await fixture.StatementAsync(kept, "2026-01")).StorageTotal));
    }

    [Theory]
    [InlineData("eastus", "westus2", 0.02)]
    [InlineData("northeurope", "westeurope", 0.02)]
    [InlineData("eastus", "northeurope", 0.05)]
    [InlineData("northeurope", "southeastasia", 0.05)]
    [InlineData("southeastasia", "australiacentral", 0.08)]
    [InlineData("southeastasia", "eastus", 0.08)]
    [InlineData("brazilsouth", "eastus", 0.16)]
    [InlineData("eastus", "brazilsouth", 0.05)]
    public async Task Egress_is_priced_by_where_the_bytes_leave(string source, string target, double price)
    {
        var estimate = await fixture.Estimates().EstimateCostAsync(Request(1, $"{source}=1 {target}=1", StorageAccountType.StandardLrs));

        Assert.Equal((decimal)price, BillingFixture.Of(Assert.Single(estimate.OneOffLines).UnitPrice));
    }

    [Fact]
    public async Task An_existing_version_is_estimated_as_it_is()
    {
        var version = Existing(10, ReplicationMode.Full);
        version
            .PublishingProfile.TargetRegions[2]
            .AdditionalReplicaSets.Add(
                new AdditionalReplicaSet { StorageAccountType = StorageAccountType.PremiumV2Lrs, RegionalReplicaCount = 1 }
            );

        var estimate = await fixture.Estimates().EstimateCostAsync(RequestFor(version));

        Assert.Equal(10 * BillingFixture.Gb, estimate.OccupiedSizeBytes);
        Assert.Equal("eastus", estimate.SourceRegion);
        Assert.Equal(
            [
                ("eastus", Meter.StandardZrsSnapshot, 2L),
                ("westus", Meter.StandardLrsSnapshot, 1),
                ("northeurope", Meter.PremiumLrsSnapshot, 3),
                ("northeurope", Meter.PremiumV2LrsSnapshot, 1),
            ],
            estimate.MonthlyLines.Select(line => (line.Region, line.Meter, line.SnapshotCount))
        );
        Assert.Equal(7, estimate.SnapshotCount);
        Assert.Equal((20 + 10) * 0.05m + ((30 + 10) * 0.132m), BillingFixture.Of(estimate.MonthlyTotal));
        Assert.Equal(10 * (0.02m + 0.05m), BillingFixture.Of(estimate.OneOffTotal));
    }

    [Fact]
    public async Task A_change_of_an_existing_version_pays_egress_for_new_regions_only()
    {
        var request = RequestFor(Existing(10, ReplicationMode.Full));
        request.TargetRegions.Add(new EstimatedRegion { Region = "East US", ReplicaCount = 5 });
        request.TargetRegions.Add(new EstimatedRegion { Region = "northeurope", ReplicaCount = 1 });
        request.TargetRegions.Add(new EstimatedRegion { Region = "westeurope", ReplicaCount = 1 });

        var estimate = await fixture.Estimates().EstimateCostAsync(request);

        Assert.Equal(["westeurope"], estimate.OneOffLines.Select(line => line.Region));
        Assert.Equal(10 * 0.05m, BillingFixture.Of(estimate.OneOffTotal));
        // Types are the version's where it has one.
        Assert.Equal(
            [Meter.StandardZrsSnapshot, Meter.PremiumLrsSnapshot, Meter.StandardLrsSnapshot],
            estimate.MonthlyLines.Select(line => line.Meter)
        );
    }

    [Fact]
    public async Task A_shallow_version_costs_nothing()
    {
        var estimate = await fixture.Estimates().EstimateCostAsync(RequestFor(Existing(120, ReplicationMode.Shallow)));

        Assert.Equal(0m, BillingFixture.Of(estimate.MonthlyTotal));
        Assert.Equal(0m, BillingFixture.Of(estimate.OneOffTotal));
        Assert.Empty(estimate.MonthlyLines);
    }

    private static EstimateCostRequest Request(long gigabytes, string targets, StorageAccountType type)
    {
        var regions = targets.Split(' ').Select(each => each.Split('=')).ToArray();
        return new EstimateCostRequest
        {
            Parent = $"subscriptions/{BillingFixture.NewSubscription()}",
            OccupiedSizeBytes = gigabytes * Units.BytesPerGb,
            SourceRegion = regions[0][0],
            TargetRegions =
            {
                regions.Select(each => new EstimatedRegion
                {
                    Region = each[0],
                    ReplicaCount = int.Parse(each[1], System.Globalization.CultureInfo.InvariantCulture),
                    StorageAccountType = type,
                }),
            },
        };
    }

    private static EstimateCostRequest RequestFor(ImageVersion version) =>
        new() { Parent = string.Join('/', version.Name.Split('/')[..2]), Version = version.Name };

    private ImageVersion Existing(long gigabytes, ReplicationMode mode)
    {
        var version = new ImageVersion
        {
            Name = BillingFixture.VersionOf(BillingFixture.NewSubscription()),
            Location = "eastus",
            OccupiedSizeBytes = gigabytes * Units.BytesPerGb,
            PublishingProfile = new ImageVersionPublishingProfile
            {
                ReplicaCount = 1,
                ReplicationMode = mode,
                StorageAccountType = StorageAccountType.StandardLrs,
                TargetRegions =
                {
                    ScriptedVersions.Target("eastus", 2, StorageAccountType.StandardZrs),
                    ScriptedVersions.Target("westus", 0),
                    ScriptedVersions.Target("northeurope", 3, StorageAccountType.PremiumLrs),
                },
            },
        };
        fixture.Catalog.Versions[version.Name] = version;
        return version;
    }
}
