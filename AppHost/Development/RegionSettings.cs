namespace Gallery.AppHost.Development;

/// <summary>A region of the installation, section `Regions:{i}` of appsettings.json.</summary>
internal sealed class RegionSettings
{
    /// <summary>Canonical name, `eastus` for example.</summary>
    public string Name { get; set; } = "";

    /// <summary>Name for people.</summary>
    public string DisplayName { get; set; } = "";

    /// <summary>1 or 3.</summary>
    public int Zones { get; set; } = 1;

    /// <summary>Whether a subscription must be let in before it can use the region.</summary>
    public bool Restricted { get; set; }

    /// <summary>Decides the price of traffic: `North America`, `Europe`, `South America`, `Asia`, `Oceania`, `Africa` or `Middle East`.</summary>
    public string Continent { get; set; } = "";
}
