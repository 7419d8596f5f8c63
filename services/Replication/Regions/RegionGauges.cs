using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Gallery.Replication.Links;

namespace Gallery.Replication.Regions;

/// <summary>
/// How the regions and the ways between them are, as metrics of the meter <c>Gallery.Replication</c>. Whoever watches a region tells of it, so of
/// several processes one does.
/// </summary>
internal sealed class RegionGauges
{
    private readonly ConcurrentDictionary<string, RegionHealth> _regions = new();
    private readonly ConcurrentDictionary<(string Source, string Target), LinkEstimate> _links = new();

    /// <summary>Makes the gauges.</summary>
    public RegionGauges(IMeterFactory meters)
    {
        var meter = meters.Create("Gallery.Replication");
        meter.CreateObservableGauge(
            "gallery.region.state",
            () => _regions.Values.Select(region => new Measurement<int>((int)region.State, Tag("region", region.Region))),
            description: "1 up, 2 degraded, 3 down, 4 draining."
        );
        meter.CreateObservableGauge(
            "gallery.region.failures",
            () => _regions.Values.Select(region => new Measurement<int>(region.Record.RecentFailureCount, Tag("region", region.Region))),
            "{copy}",
            "Copies that failed lately because of the region."
        );
        meter.CreateObservableGauge(
            "gallery.region.used",
            () => Zones(zone => zone.UsedBytes),
            "By",
            "Bytes a zone's segment files take up."
        );
        meter.CreateObservableGauge(
            "gallery.region.available",
            () => Zones(zone => zone.AvailableBytes),
            "By",
            "Bytes that can still be written in a zone."
        );
        meter.CreateObservableGauge(
            "gallery.link.round_trip",
            () => Links(link => link.RoundTrip?.TotalSeconds),
            "s",
            "How long the source's node takes to answer the target's."
        );
        meter.CreateObservableGauge(
            "gallery.link.throughput",
            () => Links(link => link.BytesPerSecond == 0 ? null : link.BytesPerSecond),
            "By/s",
            "What copies got lately over a link."
        );
    }

    /// <summary>How a region is.</summary>
    public void Seen(RegionHealth region) => _regions[region.Region] = region;

    /// <summary>What is known of the ways to a region.</summary>
    public void Seen(string target, IReadOnlyDictionary<string, LinkEstimate> links)
    {
        foreach (var (source, link) in links)
        {
            _links[(source, target)] = link;
        }
    }

    private IEnumerable<Measurement<long>> Zones(Func<Contracts.Replication.V1.RegionZone, long> value) =>
        _regions.Values.SelectMany(region =>
            region.Record.Zones.Select(zone => new Measurement<long>(value(zone), Tag("region", region.Region), Tag("zone", zone.Number)))
        );

    private IEnumerable<Measurement<double>> Links(Func<LinkEstimate, double?> value) =>
        from link in _links
        let known = value(link.Value)
        where known is not null
        select new Measurement<double>(known.Value, Tag("source", link.Key.Source), Tag("target", link.Key.Target));

    private static KeyValuePair<string, object?> Tag(string key, object value) => new("gallery." + key, value);
}
