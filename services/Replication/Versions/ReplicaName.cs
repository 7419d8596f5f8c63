using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Replication.Versions;

/// <summary>The name of a replica: <c>{version}/replicas/{region}-{ordinal}</c>.</summary>
/// <param name="Version">The version.</param>
/// <param name="Region">The region, canonical.</param>
/// <param name="Ordinal">Number within the region.</param>
internal sealed record ReplicaName(ResourceName Version, string Region, int Ordinal)
{
    private const string Collection = "/replicas/";

    /// <summary>The name as written in answers.</summary>
    public static string Of(string version, string region, int ordinal) =>
        FormattableString.Invariant($"{version}{Collection}{region}-{ordinal}");

    /// <summary>Reads the name in a request, and refuses with INVALID_ARGUMENT what is none.</summary>
    public static ReplicaName Require(string text, string field) =>
        TryParse(text, out var name)
            ? name
            : throw GalleryError.InvalidParameter(
                field,
                "Must be a resource name of the form '{version}/replicas/{region}-{ordinal}', 'replicas/eastus-0' for example."
            );

    private static bool TryParse(string text, [NotNullWhen(true)] out ReplicaName? name)
    {
        name = null;
        var collection = text.LastIndexOf(Collection, StringComparison.OrdinalIgnoreCase);
        var dash = text.LastIndexOf('-');
        if (
            collection < 0
            || dash < collection + Collection.Length
            || !ResourceName.TryParse(text[..collection], ResourceKind.ImageVersion, out var version)
            || !int.TryParse(text.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal)
        )
        {
            return false;
        }

        var region = RegionName.Normalize(text[(collection + Collection.Length)..dash]);
        name = new ReplicaName(version, region, ordinal);
        return region.Length > 0;
    }
}
