using System.Numerics;
using Gallery.Billing.Prices;
using Gallery.Billing.Regions;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;

namespace Gallery.Billing.Charges;

/// <summary>
/// Turns use into charges (semantics.md 6). Pure, and exact: use is counted in whole bytes × ticks and prices in whole billionths, so that all
/// amounts of a month are integers over one denominator, and nothing is rounded before the sum is (<see cref="Apportionment"/>).
/// </summary>
/// <param name="month">The month that is billed.</param>
/// <param name="until">Up to when replicas that are still kept are charged.</param>
/// <param name="grouping">What lines are told apart by.</param>
/// <param name="prices">The prices.</param>
/// <param name="regions">The continents of the regions.</param>
internal sealed class ChargeCalculator(
    BillingMonth month,
    DateTimeOffset until,
    StatementGrouping grouping,
    PriceBook prices,
    RegionMap regions
)
{
    private readonly Dictionary<LineKey, Sum> _storage = [];
    private readonly Dictionary<LineKey, Sum> _egress = [];
    private readonly DateTimeOffset _end = until < month.End ? until : month.End;
    private long _snapshots;

    /// <summary>Counts replicas, for the part of the month in which they were kept.</summary>
    public void Add(StorageUse use)
    {
        var start = use.Start > month.Start ? use.Start : month.Start;
        var end = use.End is { } ended && ended < _end ? ended : _end;
        if (end <= start)
        {
            return;
        }

        _snapshots += use.Count;
        var resource = Grouping.ResourceOf(grouping, use.Version);
        var region = Grouping.ByRegion(grouping) ? use.Region : "";
        HashSet<Sum> counted = [];
        foreach (var span in prices.Spans(start, end))
        {
            var price = span.Sheet.StoragePrice(use.Region, use.Type);
            var sum = SumOf(_storage, new LineKey(resource, MeterOf(use.Type), region, "", price));
            sum.Units += (BigInteger)use.Bytes * use.Count * (span.End - span.Start).Ticks;
            if (counted.Add(sum)) // Two sheets with the same price make one line, which has the replica once.
            {
                sum.Count += use.Count;
                sum.Bytes += (BigInteger)use.Bytes * use.Count;
            }
        }
    }

    /// <summary>Counts a first copy, if it fell into the month.</summary>
    public void Add(EgressUse use)
    {
        if (use.Time < month.Start || use.Time >= month.End)
        {
            return;
        }

        var price = prices.At(use.Time).EgressPrice(use.SourceRegion, use.TargetRegion, regions);
        var byRegion = Grouping.ByRegion(grouping);
        var key = new LineKey(
            Grouping.ResourceOf(grouping, use.Version),
            Meter.InterRegionEgress,
            byRegion ? use.TargetRegion : "",
            byRegion ? use.SourceRegion : "",
            price
        );
        var sum = SumOf(_egress, key);
        sum.Units += use.Bytes;
        sum.Bytes += use.Bytes;
        sum.Count++;
    }

    /// <summary>The bill of all that was added.</summary>
    public Bill ToBill()
    {
        var storageUnit = (BigInteger)Units.BytesPerGb * month.Length.Ticks;
        var (storageLines, storageTotal) = ToLines(_storage, storageUnit, "GB-month");
        var (egressLines, egressTotal) = ToLines(_egress, Units.BytesPerGb, "GB");
        return new Bill(storageLines, egressLines, storageTotal, egressTotal, _snapshots, Total(_storage), Total(_egress));
    }

    private static Meter MeterOf(StorageAccountType type) =>
        type switch
        {
            StorageAccountType.StandardZrs => Meter.StandardZrsSnapshot,
            StorageAccountType.PremiumLrs => Meter.PremiumLrsSnapshot,
            StorageAccountType.PremiumV2Lrs => Meter.PremiumV2LrsSnapshot,
            _ => Meter.StandardLrsSnapshot,
        };

    private static Sum SumOf(Dictionary<LineKey, Sum> sums, LineKey key)
    {
        // Resource names that differ in case only are one resource; the first spelling is shown.
        var folded = key with
        {
            Resource = key.Resource.ToLowerInvariant(),
        };
        if (!sums.TryGetValue(folded, out var sum))
        {
            sums.Add(folded, sum = new Sum { Resource = key.Resource });
        }

        return sum;
    }

    private static BigInteger Total(Dictionary<LineKey, Sum> sums) =>
        sums.Values.Aggregate(BigInteger.Zero, (total, sum) => total + sum.Units);

    private (IReadOnlyList<ChargeLine> Lines, long Total) ToLines(Dictionary<LineKey, Sum> sums, BigInteger unit, string unitName)
    {
        var ordered = sums.OrderBy(each => each.Key.Resource, StringComparer.Ordinal)
            .ThenBy(each => each.Key.Region, StringComparer.Ordinal)
            .ThenBy(each => each.Key.SourceRegion, StringComparer.Ordinal)
            .ThenBy(each => each.Key.Meter)
            .ThenBy(each => each.Key.PriceNanos)
            .ToArray();
        var (micros, total) = Apportionment.ToMicros(
            [.. ordered.Select(each => each.Value.Units * each.Key.PriceNanos)],
            unit * Units.NanosPerUnit
        );
        var lines = ordered.Select(
            (each, index) =>
                new ChargeLine
                {
                    Meter = each.Key.Meter,
                    Resource = each.Value.Resource,
                    Region = each.Key.Region,
                    SourceRegion = each.Key.SourceRegion,
                    SnapshotCount = each.Key.Meter == Meter.InterRegionEgress ? 0 : each.Value.Count,
                    CopyCount = each.Key.Meter == Meter.InterRegionEgress ? each.Value.Count : 0,
                    BilledBytes = (long)BigInteger.Min(each.Value.Bytes, long.MaxValue),
                    Quantity = Units.ToQuantity(each.Value.Units, unit),
                    Unit = unitName,
                    UnitPrice = Units.PriceToMoney(each.Key.PriceNanos, prices.Currency),
                    Amount = Units.ToMoney(micros[index], prices.Currency),
                }
        );
        return ([.. lines], total);
    }

    private readonly record struct LineKey(string Resource, Meter Meter, string Region, string SourceRegion, long PriceNanos);

    private sealed class Sum
    {
        public required string Resource { get; init; }

        public BigInteger Units { get; set; }

        public BigInteger Bytes { get; set; }

        public long Count { get; set; }
    }
}
