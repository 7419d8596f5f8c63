namespace Gallery.Billing.Prices;

/// <summary>The public prices of the modelled service (semantics.md 6), in US dollars.</summary>
internal static class DefaultPrices
{
    private const decimal Standard = 0.05m;
    private const decimal Premium = 0.132m;

    /// <summary>The sheet that holds when the configuration names none.</summary>
    public static PriceSheetOptions Sheet { get; } =
        new()
        {
            Id = "default",
            Currency = "USD",
            Storage =
            [
                new() { Type = "StandardLrs", PricePerGbMonth = Standard },
                new() { Type = "StandardZrs", PricePerGbMonth = Standard },
                new() { Type = "PremiumLrs", PricePerGbMonth = Premium },
                new() { Type = "PremiumV2Lrs", PricePerGbMonth = Premium },
            ],
            Egress =
            [
                .. Continent("North America", within: 0.02m, elsewhere: 0.05m),
                .. Continent("Europe", within: 0.02m, elsewhere: 0.05m),
                .. Continent("Asia", within: 0.08m, elsewhere: 0.08m),
                .. Continent("Oceania", within: 0.08m, elsewhere: 0.08m),
                .. Continent("Middle East", within: 0.08m, elsewhere: 0.08m),
                .. Continent("Africa", within: 0.08m, elsewhere: 0.08m),
                .. Continent("South America", within: 0.16m, elsewhere: 0.16m),
                new() { PricePerGb = 0.05m },
            ],
        };

    private static EgressPriceOptions[] Continent(string name, decimal within, decimal elsewhere) =>
        [
            new()
            {
                SourceContinent = name,
                TargetContinent = name,
                PricePerGb = within,
            },
            new() { SourceContinent = name, PricePerGb = elsewhere },
        ];
}
