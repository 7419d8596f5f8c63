using Gallery.Contracts.Events.V1;
using Gallery.Replication.Links;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Versions;

namespace Gallery.Replication.Work;

/// <summary>Where a replica's bytes may come from, the best place first.</summary>
/// <param name="Uploads">Uploads on the replica's own node.</param>
/// <param name="Siblings">Uids of complete replicas on the replica's own node.</param>
/// <param name="Regions">Regions whose nodes hold the content.</param>
/// <param name="Failure">Why there is none now; null when there is.</param>
internal sealed record SourceChoice(
    IReadOnlyList<string> Uploads,
    IReadOnlyList<string> Siblings,
    IReadOnlyList<string> Regions,
    WorkFailure? Failure
)
{
    /// <summary>What is known of the ways from other regions, by region.</summary>
    public IReadOnlyDictionary<string, LinkEstimate> Links { get; init; } = new Dictionary<string, LinkEstimate>();

    /// <summary>There is none now.</summary>
    public static SourceChoice None(WorkFailure failure) => new([], [], [], failure);
}

/// <summary>
/// Chooses the places that a replica's bytes come from. Inside its region nothing crosses a border, so that comes first; then the uploads
/// that the version was made from; then other regions, healthy ones first and the near ones among them. Pure.
/// </summary>
internal static class SourceRules
{
    private static readonly TimeSpan DrainWait = TimeSpan.FromMinutes(5);
    private const int MostSiblings = 3;
    private const int MostRegions = 4;

    /// <summary>Chooses.</summary>
    /// <param name="document">The version.</param>
    /// <param name="replica">The replica to be made.</param>
    /// <param name="uploads">The uploads on the home region's node that the version was made from; empty when one of them is gone.</param>
    /// <param name="regions">All regions.</param>
    /// <param name="health">How they are.</param>
    /// <param name="links">What is known of the ways to the replica's region, by source.</param>
    public static SourceChoice Choose(
        VersionDocument document,
        ReplicaRecord replica,
        IReadOnlyList<string> uploads,
        RegionRegistry regions,
        IReadOnlyDictionary<string, RegionHealth> health,
        IReadOnlyDictionary<string, LinkEstimate>? links = null
    )
    {
        var region = replica.Region;
        if (health[region].Drained)
        {
            // It is looked at again when the drain ends, and now and then for the case that this is missed.
            var why = $"{region} takes no new replicas: it is {health[region].DrainDetails}";
            return SourceChoice.None(new WorkFailure(why, region, RetryAfter: DrainWait, IsHold: true));
        }

        if (document.Version.Disks.Count == 0)
        {
            return SourceChoice.None(new WorkFailure("the version has no disk", IsFinal: true));
        }

        var home = document.Version.HomeRegion;
        var siblings = document
            .WantedIn(region)
            .Where(sibling => sibling.State == ReplicaState.Ready)
            .Select(sibling => sibling.Uid)
            .Take(MostSiblings)
            .ToList();
        var local = siblings.Count == 0 && region == home ? uploads : [];
        var holders = Holders(document, region, uploads).Where(regions.Contains).ToList();
        var near = Near(holders, region, regions, health, links);
        if (siblings.Count > 0 || local.Count > 0 || near.Count > 0)
        {
            return new SourceChoice(local, siblings, near, Failure: null);
        }

        return SourceChoice.None(
            holders.Count == 0
                ? new WorkFailure("no region holds its content: the snapshot it was made from is gone", IsFinal: true)
                : new WorkFailure(
                    $"{string.Join(" and ", holders.Order(StringComparer.Ordinal))}, which {(holders.Count == 1 ? "holds" : "hold")} its content, {(holders.Count == 1 ? "does" : "do")} not answer",
                    holders[0]
                )
        );
    }

    private static IEnumerable<string> Holders(VersionDocument document, string region, IReadOnlyList<string> uploads)
    {
        var home = document.Version.HomeRegion;
        // Content that came from another version is on the home node whether or not a replica of this one is.
        var fromVersion = document.Version.Disks.All(disk => disk.SourceSnapshot.Length == 0);
        var homeHolds = fromVersion || (uploads.Count > 0 && region != home);
        return document.CompleteRegions().Where(complete => complete != region).Concat(homeHolds ? [home] : []).Distinct();
    }

    private static List<string> Near(
        IEnumerable<string> holders,
        string region,
        RegionRegistry regions,
        IReadOnlyDictionary<string, RegionHealth> health,
        IReadOnlyDictionary<string, LinkEstimate>? links
    )
    {
        var continent = ContinentOf(region, regions);
        return holders
            .Where(holder => health[holder].Answers)
            .OrderBy(holder => health[holder].GivesBytes ? 0 : 1)
            .ThenBy(holder =>
                LinkRules.Distance(
                    links is not null && links.TryGetValue(holder, out var link) ? link : LinkEstimate.Unknown,
                    ContinentOf(holder, regions) == continent
                )
            )
            .ThenBy(holder => holder, StringComparer.Ordinal)
            .Take(MostRegions)
            .ToList();
    }

    private static string ContinentOf(string region, RegionRegistry regions) =>
        regions.TryGet(region, out var options) ? options.Continent : "";
}
