namespace Gallery.Replication.Regions;

/// <summary>Names of regions: <c>East US</c>, <c>EastUS</c> and <c>eastus</c> are one.</summary>
internal static class RegionName
{
    /// <summary>The longest name that is looked at.</summary>
    public const int Longest = 64;

    /// <summary>The canonical form: lower case, without spaces.</summary>
    public static string Normalize(string? name) =>
        name is null || name.Length > Longest
            ? ""
            : string.Concat(name.Where(character => !char.IsWhiteSpace(character))).ToLowerInvariant();
}
