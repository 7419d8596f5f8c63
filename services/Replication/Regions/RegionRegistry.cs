using System.Diagnostics.CodeAnalysis;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Regions;

/// <summary>The regions that the gallery spans, as the installation's configuration names them.</summary>
internal sealed class RegionRegistry
{
    private readonly Dictionary<string, RegionOptions> _byName;

    /// <summary>Takes the regions from the configuration.</summary>
    public RegionRegistry(IOptions<List<RegionOptions>> options)
    {
        All = options.Value;
        _byName = All.ToDictionary(region => region.Name);
    }

    /// <summary>All regions, in the order of the configuration.</summary>
    public IReadOnlyList<RegionOptions> All { get; }

    /// <summary>Whether there is a region of that canonical name.</summary>
    public bool Contains(string region) => _byName.ContainsKey(region);

    /// <summary>Finds a region by its canonical name.</summary>
    public bool TryGet(string region, [NotNullWhen(true)] out RegionOptions? options) => _byName.TryGetValue(region, out options);

    /// <summary>Finds a region by a name in a request, in any case and spacing; refuses one that there is not with INVALID_ARGUMENT.</summary>
    /// <param name="name">The name.</param>
    /// <param name="field">The field that holds it.</param>
    public RegionOptions Require(string name, string field)
    {
        if (string.IsNullOrWhiteSpace(name))
        {
            throw GalleryError.InvalidParameter(field, $"Required: one of {Names()}.");
        }

        return _byName.GetValueOrDefault(RegionName.Normalize(name)) ?? throw NotAvailable(name, "is not one of this gallery's", All);
    }

    /// <summary>The refusal of a region, naming those that may be had.</summary>
    public static RpcException NotAvailable(string name, string why, IEnumerable<RegionOptions> offered)
    {
        var shown = name.Length <= RegionName.Longest ? name : name[..RegionName.Longest];
        return GalleryError.Create(
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType,
            $"The region '{shown}' {why}. Use one of: {string.Join(", ", offered.Select(region => region.Name))}.",
            new Dictionary<string, string> { ["region"] = shown }
        );
    }

    private string Names() => string.Join(", ", All.Select(region => region.Name));
}
