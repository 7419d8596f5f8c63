using System.Collections.Concurrent;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Catalog.Regions;

/// <summary>The regions that a subscription may use, asked from Replication and kept for a moment: a burst of requests asks once.</summary>
internal sealed class RegionCatalog(RegionService.RegionServiceClient regions, TimeProvider clock)
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(2);
    private const int MostEntries = 10_000;

    private readonly ConcurrentDictionary<string, Entry> _entries = new();

    /// <summary>The regions as a subscription sees them.</summary>
    /// <param name="subscriptionId">The subscription.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<RegionSet> ForAsync(string subscriptionId, CancellationToken cancellationToken)
    {
        var now = clock.GetTimestamp();
        if (_entries.TryGetValue(subscriptionId, out var entry) && clock.GetElapsedTime(entry.Asked, now) < Freshness)
        {
            return entry.Regions;
        }

        var answer = await regions.ListRegionsAsync(
            new ListRegionsRequest { Subscription = $"subscriptions/{subscriptionId}" },
            cancellationToken: cancellationToken
        );
        var set = new RegionSet([
            .. answer.Regions.Select(region => new OfferedRegion(
                region.Name,
                region.DisplayName,
                region.ZoneCount,
                region.Availability != RegionAvailability.Restricted
            )),
        ]);
        if (_entries.Count >= MostEntries)
        {
            _entries.Clear(); // They live for two seconds: losing them costs a question each.
        }

        _entries[subscriptionId] = new Entry(set, now);
        return set;
    }

    private sealed record Entry(RegionSet Regions, long Asked);
}
