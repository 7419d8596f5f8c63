namespace Gallery.AppHost.Development;

/// <summary>A region of the installation, section `Regions:{i}` of appsettings.json.</summary>
internal sealed class RegionSettings
{
    private static readonly string[] Continents = ["North America", "Europe", "South America", "Asia", "Oceania", "Africa", "Middle East"];

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

    /// <summary>Where others reach its node over gRPC, when that is not the node itself but a proxy before it; empty for the node itself.</summary>
    public string GrpcUrl { get; set; } = "";

    /// <summary>Where others reach its node over HTTP; empty for the node itself.</summary>
    public string HttpUrl { get; set; } = "";

    /// <summary>Bytes that its node may use; 0 for as many as `Region:CapacityBytes` says, which is as many as the disk holds by default.</summary>
    public long CapacityBytes { get; set; }

    /// <summary>What is wrong with the regions, a line each; empty when nothing is.</summary>
    public static IReadOnlyList<string> WrongIn(IReadOnlyList<RegionSettings> regions)
    {
        var wrong = new List<string>();
        var names = new HashSet<string>();
        foreach (var (index, region) in regions.Index())
        {
            void Require(bool holds, string what)
            {
                if (!holds)
                {
                    wrong.Add($"Regions:{index} ('{region.Name}'): {what}");
                }
            }

            Require(region.Name.Length is > 0 and <= 40 && region.Name.All(IsNameCharacter), "Name is 1 to 40 of a-z and 0-9.");
            Require(names.Add(region.Name), "Name stands for one region only, and is taken.");
            Require(region.Zones is 1 or 3, $"Zones is 1 or 3, not {region.Zones}.");
            Require(
                Continents.Contains(region.Continent),
                $"Continent is one of {string.Join(", ", Continents)}, not '{region.Continent}'."
            );
        }

        return wrong;
    }

    private static bool IsNameCharacter(char character) => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character);
}
