using System.Diagnostics.CodeAnalysis;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Billing.Regions;

/// <summary>What Billing knows of a region.</summary>
/// <param name="Name">The name in its canonical form, <c>eastus</c>.</param>
/// <param name="Continent">The continent, <c>North America</c>.</param>
/// <param name="ZoneCount">1 or 3.</param>
internal sealed record KnownRegion(string Name, string Continent, int ZoneCount);

/// <summary>The regions of the gallery.</summary>
internal sealed class RegionMap(IEnumerable<KnownRegion> regions)
{
    private readonly Dictionary<string, KnownRegion> _regions = regions.ToDictionary(region => region.Name);

    /// <summary>The form that regions are compared in: lower case, no spaces.</summary>
    public static string Canonical(string name) => name.Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Finds a region, written in any case and spacing.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out KnownRegion? region) => _regions.TryGetValue(Canonical(name), out region);

    /// <summary>The continent of a region; empty when the region is not known any more.</summary>
    public string ContinentOf(string name) => TryFind(name, out var region) ? region.Continent : "";

    /// <summary>The error for a region that there is not: it lists those there are.</summary>
    public RpcException NotAvailable(string name) =>
        GalleryError.Create(
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType,
            $"There is no region '{(name.Length > 80 ? name[..80] : name)}'. The regions are: {string.Join(", ", _regions.Keys)}.",
            new Dictionary<string, string> { ["location"] = name, ["available"] = string.Join(',', _regions.Keys) }
        );
}
