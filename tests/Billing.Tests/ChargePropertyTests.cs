using System.Globalization;
using System.Numerics;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Gallery.Billing.Charges;
using Gallery.Billing.Prices;
using Gallery.Billing.Regions;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;
using Microsoft.Extensions.Options;

namespace Gallery.Billing.Tests;

/// <summary>What must hold for charges whatever was used.</summary>
public sealed class ChargePropertyTests
{
    private static readonly DateTimeOffset MonthStart = new(2026, 2, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly BillingMonth Month = new(MonthStart);
    private static readonly RegionMap Regions = new([
        new KnownRegion("eastus", "North America", 3),
        new KnownRegion("northeurope", "Europe", 3),
        new KnownRegion("brazilsouth", "South America", 1),
    ]);

    private static readonly string[] RegionNames = ["eastus", "northeurope", "brazilsouth", "gone"];
    private static readonly StatementGrouping[] Groupings = System.Enum.GetValues<StatementGrouping>();

    private static Gen<DateTimeOffset> AnyTime =>
        Gen.Choose(-10 * 1440, 40 * 1440).Select(minute => MonthStart.AddMinutes(minute).AddTicks(minute * 7919L));

    private static Gen<string> AnyVersion =>
        from gallery in Gen.Elements("prod", "Prod", "test")
        from image in Gen.Elements("ubuntu", "debian")
        from version in Gen.Elements("1.0.0", "1.0.1")
        select $"subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg1/galleries/{gallery}/images/{image}/versions/{version}";

    private static Gen<StorageUse> AnyStorage =>
        from version in AnyVersion
        from region in Gen.Elements(RegionNames)
        from type in Gen.Elements(StorageAccountType.StandardLrs, StorageAccountType.StandardZrs, StorageAccountType.PremiumLrs)
        from bytes in AnyBytes
        from start in AnyTime
        from end in AnyTime
        from open in Gen.Elements(true, false)
        select new StorageUse(
            version,
            region,
            type,
            bytes,
            start < end ? start : end,
            open ? null
                : start < end ? end
                : start
        );

    private static Gen<EgressUse> AnyEgress =>
        from version in AnyVersion
        from source in Gen.Elements(RegionNames)
        from target in Gen.Elements(RegionNames)
        from bytes in AnyBytes
        from time in AnyTime
        select new EgressUse(version, source, target, bytes, time);

    private static Gen<long> AnyBytes =>
        Gen.OneOf(
            Gen.Constant(0L),
            Gen.Choose(0, int.MaxValue).Select(value => (long)value),
            Gen.Choose(0, int.MaxValue).Select(value => value * 32_749L)
        );

    private static Gen<(StorageUse[] Storage, EgressUse[] Egress)> AnyUse =>
        from storage in Gen.ArrayOf(AnyStorage)
        from egress in Gen.ArrayOf(AnyEgress)
        select (storage, egress);

    [Property(MaxTest = 300)]
    public Property Lines_add_up_to_their_total() =>
        Prop.ForAll(
            AnyUse.ToArbitrary(),
            Gen.Elements(Groupings).ToArbitrary(),
            AnyTime.ToArbitrary(),
            (use, grouping, until) =>
            {
                var bill = Compute(use, grouping, until);
                return Sum(bill.StorageLines) == bill.StorageMicros && Sum(bill.EgressLines) == bill.EgressMicros;
            }
        );

    [Property(MaxTest = 200)]
    public Property The_grouping_does_not_change_the_total() =>
        Prop.ForAll(
            AnyUse.ToArbitrary(),
            AnyTime.ToArbitrary(),
            (use, until) =>
                Groupings
                    .Select(grouping => Compute(use, grouping, until))
                    .DistinctBy(bill => (bill.StorageMicros, bill.EgressMicros, bill.SnapshotCount))
                    .Count() == 1
        );

    [Property(MaxTest = 200)]
    public Property A_line_is_less_than_a_millionth_from_quantity_times_price() =>
        Prop.ForAll(
            AnyUse.ToArbitrary(),
            Gen.Elements(Groupings).ToArbitrary(),
            (use, grouping) =>
                Compute(use, grouping, Month.End) is var bill
                && bill.StorageLines.Concat(bill.EgressLines)
                    .All(line =>
                        Math.Abs(
                            (decimal.Parse(line.Quantity, CultureInfo.InvariantCulture) * BillingFixture.Of(line.UnitPrice))
                                - BillingFixture.Of(line.Amount)
                        ) < 0.000_001_000_001m
                    )
        );

    [Property(MaxTest = 300)]
    public Property Cutting_an_interval_in_two_does_not_change_what_it_costs() =>
        Prop.ForAll(
            AnyStorage.ToArbitrary(),
            AnyTime.ToArbitrary(),
            AnyTime.ToArbitrary(),
            (use, cut, until) =>
            {
                if (cut <= use.Start || (use.End is { } end && cut >= end))
                {
                    return true;
                }

                var whole = Compute(([use], []), StatementGrouping.Version, until);
                var parts = Compute(([use with { End = cut }, use with { Start = cut }], []), StatementGrouping.Version, until);
                return whole.ByteTicks == parts.ByteTicks && whole.StorageMicros == parts.StorageMicros;
            }
        );

    [Property(MaxTest = 200)]
    public Property A_month_ends_where_the_next_one_begins() =>
        Prop.ForAll(
            AnyStorage.ToArbitrary(),
            use =>
            {
                var until = MonthStart.AddMonths(2);
                BigInteger TicksIn(int offset)
                {
                    var calculator = new ChargeCalculator(
                        BillingMonth.Of(MonthStart.AddMonths(offset)),
                        until,
                        StatementGrouping.Meter,
                        Default(),
                        Regions
                    );
                    calculator.Add(use);
                    return calculator.ToBill().ByteTicks;
                }

                var end = use.End ?? until;
                return TicksIn(-1) + TicksIn(0) + TicksIn(1) == (BigInteger)use.Bytes * (end - use.Start).Ticks;
            }
        );

    [Property(MaxTest = 200)]
    public Property A_new_sheet_with_the_old_prices_changes_nothing() =>
        Prop.ForAll(
            AnyUse.ToArbitrary(),
            AnyTime.ToArbitrary(),
            Gen.Elements(Groupings).ToArbitrary(),
            (use, change, grouping) =>
            {
                var later = Book(Sheet("default", null, 0.05m), Sheet("later", change, 0.05m));
                var one = Compute(use, grouping, Month.End, Book(Sheet("default", null, 0.05m)));
                var two = Compute(use, grouping, Month.End, later);
                return one.StorageLines.SequenceEqual(two.StorageLines) && one.EgressLines.SequenceEqual(two.EgressLines);
            }
        );

    [Property(MaxTest = 200)]
    public Property The_order_of_use_does_not_matter() =>
        Prop.ForAll(
            AnyUse.ToArbitrary(),
            Gen.Elements(Groupings).ToArbitrary(),
            (use, grouping) =>
            {
                var forward = Compute(use, grouping, Month.End);
                var backward = Compute((use.Storage.Reverse().ToArray(), use.Egress.Reverse().ToArray()), grouping, Month.End);
                // Of names that differ in case only, the first is shown: all else is equal.
                return forward.StorageLines.Select(line => line.Amount).SequenceEqual(backward.StorageLines.Select(line => line.Amount))
                    && forward.EgressLines.Select(line => line.Amount).SequenceEqual(backward.EgressLines.Select(line => line.Amount));
            }
        );

    [Property(MaxTest = 500)]
    public Property Apportionment_rounds_each_amount_by_less_than_a_millionth() =>
        Prop.ForAll(
            Gen.ArrayOf(Gen.Choose(0, 1_000_000)).ToArbitrary(),
            Gen.Choose(1, 999).ToArbitrary(),
            (amounts, denominator) =>
            {
                var (micros, total) = Apportionment.ToMicros(
                    [.. amounts.Select(amount => (BigInteger)amount)],
                    (BigInteger)denominator * Units.MicrosPerUnit
                );
                return micros.Sum() == total
                    && micros.Zip(amounts).All(pair => Math.Abs(pair.First - ((decimal)pair.Second / denominator)) < 1m)
                    && micros.Zip(amounts).All(pair => pair.Second > 0 || pair.First == 0);
            }
        );

    [Theory]
    [InlineData("0", 0, 7)]
    [InlineData("0.333333333333", 1, 3)]
    [InlineData("0.666666666667", 2, 3)]
    [InlineData("60", 60, 1)]
    [InlineData("0.5", 1, 2)]
    public void Quantities_are_decimal_numbers(string text, int numerator, int denominator) =>
        Assert.Equal(text, Units.ToQuantity(numerator, denominator));

    [Fact]
    public void A_price_change_within_the_month_is_charged_to_the_instant()
    {
        var change = MonthStart.AddDays(14); // Half of February 2026.
        var book = Book(Sheet("default", null, 0.05m), Sheet("later", change, 0.10m));
        var use = new StorageUse("v", "eastus", StorageAccountType.StandardLrs, Units.BytesPerGb, MonthStart.AddDays(-3), null);

        var bill = Compute(([use], []), StatementGrouping.Region, Month.End, book);

        Assert.Equal(["0.5", "0.5"], bill.StorageLines.Select(line => line.Quantity));
        Assert.Equal([0.025m, 0.05m], bill.StorageLines.Select(line => BillingFixture.Of(line.Amount)));
        Assert.Equal(1, bill.SnapshotCount);
        Assert.Equal(75_000, bill.StorageMicros);
    }

    [Fact]
    public void Even_the_largest_use_is_exact()
    {
        var use = new StorageUse("v", "eastus", StorageAccountType.PremiumLrs, 64L << 40, MonthStart, null, Count: 10_000_000);

        var bill = Compute(([use], []), StatementGrouping.Region, Month.End);

        Assert.Equal(65_536m * 10_000_000 * 0.132m, bill.StorageMicros / 1_000_000m);
    }

    private static long Sum(IEnumerable<ChargeLine> lines) =>
        lines.Sum(line => (line.Amount.Units * 1_000_000) + (line.Amount.Nanos / 1000));

    private static Bill Compute(
        (StorageUse[] Storage, EgressUse[] Egress) use,
        StatementGrouping grouping,
        DateTimeOffset until,
        PriceBook? book = null
    )
    {
        var calculator = new ChargeCalculator(Month, until, grouping, book ?? Default(), Regions);
        foreach (var storage in use.Storage)
        {
            calculator.Add(storage);
        }

        foreach (var egress in use.Egress)
        {
            calculator.Add(egress);
        }

        return calculator.ToBill();
    }

    private static PriceBook Default() => Book();

    private static PriceBook Book(params PriceSheetOptions[] sheets) => new(Options.Create(new PriceOptions { PriceSheets = sheets }));

    private static PriceSheetOptions Sheet(string id, DateTimeOffset? effective, decimal standard) =>
        new()
        {
            Id = id,
            EffectiveTime = effective,
            Storage =
            [
                new StoragePriceOptions { Type = "StandardLrs", PricePerGbMonth = standard },
                new StoragePriceOptions { Type = "StandardZrs", PricePerGbMonth = 0.06m },
                new StoragePriceOptions { Type = "PremiumLrs", PricePerGbMonth = 0.132m },
                new StoragePriceOptions { Type = "PremiumV2Lrs", PricePerGbMonth = 0.2m },
                new StoragePriceOptions
                {
                    Type = "StandardLrs",
                    Region = "North Europe",
                    PricePerGbMonth = 0.055m,
                },
            ],
            Egress = [new EgressPriceOptions { PricePerGb = 0.05m }],
        };
}
