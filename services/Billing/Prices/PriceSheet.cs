using Gallery.Billing.Charges;
using Gallery.Billing.Regions;
using Gallery.Contracts.Common.V1;
using Google.Protobuf.WellKnownTypes;
using V1 = Gallery.Contracts.Billing.V1;

namespace Gallery.Billing.Prices;

/// <summary>Prices that hold from a time on, in billionths of the currency's unit.</summary>
/// <param name="Id">The id, <c>default</c> for example.</param>
/// <param name="Currency">Three letters.</param>
/// <param name="EffectiveTime">From when on; null from the beginning.</param>
/// <param name="Storage">A month of a GB, by region (empty: any) and type.</param>
/// <param name="Egress">A GB of a first copy.</param>
internal sealed record PriceSheet(
    string Id,
    string Currency,
    DateTimeOffset? EffectiveTime,
    IReadOnlyDictionary<(string Region, StorageAccountType Type), long> Storage,
    IReadOnlyList<EgressRate> Egress
)
{
    /// <summary>The collection that price sheets lie in.</summary>
    public const string Collection = "priceSheets";

    /// <summary>The resource name.</summary>
    public string Name => $"{Collection}/{Id}";

    /// <summary>The price of a GB-month.</summary>
    public long StoragePrice(string region, StorageAccountType type) =>
        Storage.TryGetValue((region, type), out var price) ? price : Storage[("", type)];

    /// <summary>The price of a GB of a first copy: the most specific rate counts.</summary>
    public long EgressPrice(string sourceRegion, string targetRegion, RegionMap regions)
    {
        var from = regions.ContinentOf(sourceRegion);
        var to = regions.ContinentOf(targetRegion);
        EgressRate? best = null;
        foreach (var rate in Egress)
        {
            if (rate.Covers(sourceRegion, targetRegion, from, to) && (best is null || rate.Specificity > best.Specificity))
            {
                best = rate;
            }
        }

        return best!.PriceNanos; // Every sheet has a rate without conditions.
    }

    /// <summary>The sheet as callers see it.</summary>
    public V1.PriceSheet ToContract() =>
        new()
        {
            Name = Name,
            CurrencyCode = Currency,
            EffectiveTime = EffectiveTime?.ToTimestamp(),
            StoragePrices =
            {
                Storage.Select(price => new V1.StoragePrice
                {
                    Region = price.Key.Region,
                    StorageAccountType = price.Key.Type,
                    PricePerGbMonth = Units.PriceToMoney(price.Value, Currency),
                }),
            },
            EgressPrices = { Egress.Select(rate => rate.ToContract(Currency)) },
            Etag = Id,
        };
}

/// <summary>A rate of egress. Empty conditions hold for all.</summary>
/// <param name="SourceRegion">Only from this region; with <paramref name="TargetRegion"/>, without continents.</param>
/// <param name="TargetRegion">Only to this region.</param>
/// <param name="SourceContinent">Only from this continent.</param>
/// <param name="TargetContinent">Only to this continent.</param>
/// <param name="PriceNanos">The price of a GB.</param>
internal sealed record EgressRate(string SourceRegion, string TargetRegion, string SourceContinent, string TargetContinent, long PriceNanos)
{
    /// <summary>Larger is more specific: regions, both continents, the source's, the target's, none.</summary>
    public int Specificity => SourceRegion.Length > 0 ? 4 : (SourceContinent.Length > 0 ? 2 : 0) + (TargetContinent.Length > 0 ? 1 : 0);

    /// <summary>Whether the rate holds for a copy.</summary>
    public bool Covers(string sourceRegion, string targetRegion, string sourceContinent, string targetContinent) =>
        Holds(SourceRegion, sourceRegion)
        && Holds(TargetRegion, targetRegion)
        && Holds(SourceContinent, sourceContinent)
        && Holds(TargetContinent, targetContinent);

    /// <summary>The rate as callers see it.</summary>
    public V1.EgressPrice ToContract(string currency)
    {
        var price = new V1.EgressPrice { PricePerGb = Units.PriceToMoney(PriceNanos, currency) };
        if (SourceRegion.Length > 0)
        {
            price.Regions = new V1.RegionRoute { SourceRegion = SourceRegion, TargetRegion = TargetRegion };
        }
        else
        {
            price.Continents = new V1.ContinentRoute { SourceContinent = SourceContinent, TargetContinent = TargetContinent };
        }

        return price;
    }

    private static bool Holds(string condition, string value) =>
        condition.Length == 0 || condition.Equals(value, StringComparison.OrdinalIgnoreCase);
}
