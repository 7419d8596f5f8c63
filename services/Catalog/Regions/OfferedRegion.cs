namespace Gallery.Catalog.Regions;

/// <summary>A region as a subscription sees it.</summary>
/// <param name="Name">Its canonical name, <c>eastus</c>.</param>
/// <param name="DisplayName">Its name for people, <c>East US</c>.</param>
/// <param name="ZoneCount">1 or 3.</param>
/// <param name="Offered">Whether the subscription may use it.</param>
internal sealed record OfferedRegion(string Name, string DisplayName, int ZoneCount, bool Offered)
{
    /// <summary>How many zones Standard_ZRS takes.</summary>
    public const int ZonesForRedundancy = 3;

    /// <summary>Whether Standard_ZRS can be had.</summary>
    public bool IsZoneRedundant => ZoneCount >= ZonesForRedundancy;
}
