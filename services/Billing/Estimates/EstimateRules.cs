using Gallery.Billing.Charges;
using Gallery.Billing.Prices;
using Gallery.Billing.Regions;
using Gallery.Contracts.Billing.V1;

namespace Gallery.Billing.Estimates;

/// <summary>Computes an estimate as a statement of the whole month would be. Pure.</summary>
internal static class EstimateRules
{
    /// <summary>The estimate.</summary>
    /// <param name="subject">What is to be estimated.</param>
    /// <param name="time">The time whose month and prices count.</param>
    /// <param name="softDeleted">Whether one replica a region is kept and nothing is copied.</param>
    /// <param name="prices">All prices.</param>
    /// <param name="regions">The regions.</param>
    public static EstimateCostResponse Estimate(
        EstimateSubject subject,
        DateTimeOffset time,
        bool softDeleted,
        PriceBook prices,
        RegionMap regions
    )
    {
        var month = BillingMonth.Of(time);
        var sheet = prices.At(time);
        var order = subject.Replicas.Select(each => each.Region).Distinct().ToList();
        var calculator = new ChargeCalculator(month, month.End, StatementGrouping.Region, PriceBook.Of(sheet), regions);
        var kept = softDeleted
            ? subject.Replicas.DistinctBy(each => each.Region).Select(each => each with { Count = 1 })
            : subject.Replicas;
        foreach (var (region, count, type) in kept)
        {
            calculator.Add(new StorageUse("", region, type, subject.Bytes, month.Start, null, count));
        }

        foreach (var region in order.Where(region => !softDeleted && region != subject.SourceRegion && !subject.Held.Contains(region)))
        {
            calculator.Add(new EgressUse("", subject.SourceRegion, region, subject.Bytes, time));
        }

        var bill = calculator.ToBill();
        return new EstimateCostResponse
        {
            MonthlyLines = { bill.StorageLines.OrderBy(line => order.IndexOf(line.Region)) },
            OneOffLines = { bill.EgressLines.OrderBy(line => order.IndexOf(line.Region)) },
            MonthlyTotal = Units.ToMoney(bill.StorageMicros, sheet.Currency),
            OneOffTotal = Units.ToMoney(bill.EgressMicros, sheet.Currency),
            OccupiedSizeBytes = subject.Bytes,
            SourceRegion = subject.SourceRegion,
            SnapshotCount = bill.SnapshotCount,
            PriceSheet = sheet.Name,
        };
    }
}
