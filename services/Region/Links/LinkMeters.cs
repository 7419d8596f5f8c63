using System.Collections.Concurrent;

namespace Gallery.Region.Links;

/// <summary>The meters of the links from all other regions, one a region, shared by all pulls.</summary>
internal sealed class LinkMeters
{
    private readonly ConcurrentDictionary<string, LinkMeter> _meters = new(StringComparer.Ordinal);

    /// <summary>The meter of the link from a region.</summary>
    /// <remarks>Networks go by the system's clock, whatever clock the node's rules go by.</remarks>
    public LinkMeter Of(string region) => _meters.GetOrAdd(region, _ => new LinkMeter(TimeProvider.System));

    /// <summary>What was measured of the link from a region.</summary>
    public LinkRate RateOf(string region) => _meters.TryGetValue(region, out var meter) ? meter.Rate : default;
}
