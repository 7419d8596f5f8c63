namespace Gallery.Billing.Prices;

/// <summary>Prices of the installation, section <c>Billing</c>. Without any, the public prices of the modelled service hold.</summary>
internal sealed class PriceOptions
{
    /// <summary>The price sheets.</summary>
    public IList<PriceSheetOptions> PriceSheets { get; set; } = [];
}

/// <summary>A price sheet.</summary>
internal sealed class PriceSheetOptions
{
    /// <summary>1 to 63 characters of <c>[a-z0-9-]</c>.</summary>
    public string Id { get; set; } = "";

    /// <summary>From when on it holds; not given in the first sheet.</summary>
    public DateTimeOffset? EffectiveTime { get; set; }

    /// <summary>Three letters of ISO 4217. The same in all sheets.</summary>
    public string Currency { get; set; } = "USD";

    /// <summary>Prices of storage. Each type needs one without a region.</summary>
    public IList<StoragePriceOptions> Storage { get; set; } = [];

    /// <summary>Prices of egress. One without any condition is needed.</summary>
    public IList<EgressPriceOptions> Egress { get; set; } = [];
}

/// <summary>A price of storage.</summary>
internal sealed class StoragePriceOptions
{
    /// <summary>The region; empty for every region without a price of its own.</summary>
    public string Region { get; set; } = "";

    /// <summary><c>StandardLrs</c>, <c>StandardZrs</c>, <c>PremiumLrs</c> or <c>PremiumV2Lrs</c>.</summary>
    public string Type { get; set; } = "";

    /// <summary>For a GB over a month, at most nine digits after the point.</summary>
    public decimal PricePerGbMonth { get; set; }
}

/// <summary>A price of egress. Either both regions, or any of the continents, or nothing.</summary>
internal sealed class EgressPriceOptions
{
    /// <summary>Only from this region.</summary>
    public string SourceRegion { get; set; } = "";

    /// <summary>Only to this region.</summary>
    public string TargetRegion { get; set; } = "";

    /// <summary>Only from this continent, named as the regions name theirs.</summary>
    public string SourceContinent { get; set; } = "";

    /// <summary>Only to this continent.</summary>
    public string TargetContinent { get; set; } = "";

    /// <summary>For a GB, at most nine digits after the point.</summary>
    public decimal PricePerGb { get; set; }
}
