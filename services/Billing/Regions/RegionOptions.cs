namespace Gallery.Billing.Regions;

/// <summary>What is known of regions without asking Replication, section <c>Billing</c>.</summary>
internal sealed class RegionOptions
{
    /// <summary>For how long Replication's answer is used.</summary>
    public TimeSpan RegionsMaxAge { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The regions to go by when Replication does not answer and never did.</summary>
    public IList<FallbackRegion> Regions { get; set; } = [];
}

/// <summary>A region to go by.</summary>
internal sealed class FallbackRegion
{
    /// <summary>The name.</summary>
    public string Name { get; set; } = "";

    /// <summary>The continent.</summary>
    public string Continent { get; set; } = "";

    /// <summary>1 or 3.</summary>
    public int Zones { get; set; } = 1;
}
