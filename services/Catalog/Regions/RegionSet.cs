using System.Diagnostics.CodeAnalysis;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Rpc;
using Grpc.Core;

namespace Gallery.Catalog.Regions;

/// <summary>The regions there are, as one subscription sees them.</summary>
internal sealed class RegionSet(IReadOnlyList<OfferedRegion> regions)
{
    private const int LongestName = 100;

    private readonly Dictionary<string, OfferedRegion> _byName = regions.ToDictionary(region => Canonical(region.Name));

    /// <summary>Those that the subscription may use, in the order of the installation's configuration.</summary>
    public IEnumerable<OfferedRegion> Offered => regions.Where(region => region.Offered);

    /// <summary>The form in which spellings are compared: without spaces, in lower case.</summary>
    public static string Canonical(string spelling) => spelling.Replace(" ", "", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Finds a region that the subscription may use.</summary>
    /// <param name="spelling">Its name in any case and spacing.</param>
    /// <param name="region">The region.</param>
    public bool TryFind(string spelling, [NotNullWhen(true)] out OfferedRegion? region)
    {
        region = Find(spelling) is { Offered: true } found ? found : null;
        return region is not null;
    }

    /// <summary>Finds a region that the subscription may use, or refuses the request and says which there are.</summary>
    /// <param name="spelling">Its name in any case and spacing.</param>
    /// <param name="field">The field of the request that holds it.</param>
    /// <exception cref="RpcException">INVALID_ARGUMENT, LocationNotAvailableForResourceType.</exception>
    public OfferedRegion Require(string spelling, string field)
    {
        if (TryFind(spelling, out var found))
        {
            return found;
        }

        var offered = string.Join(", ", Offered.Select(region => region.Name));
        var text = Find(spelling) is not null
            ? $"The region '{spelling}' is restricted: the subscription needs an approval to use it. It may use: {offered}."
            : $"There is no region '{(spelling.Length <= LongestName ? spelling : spelling[..LongestName])}' for the subscription. It may use: {offered}.";
        var details = new BadRequest();
        details.FieldViolations.Add(new BadRequest.Types.FieldViolation { Field = field, Description = text });
        throw GalleryError.Create(
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType,
            text,
            new Dictionary<string, string> { ["location"] = spelling, ["offered"] = offered },
            details
        );
    }

    private OfferedRegion? Find(string spelling) => spelling.Length <= LongestName ? _byName.GetValueOrDefault(Canonical(spelling)) : null;
}
