using Gallery.Contracts.Common.V1;
using Gallery.Replication.Versions;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Status;

/// <summary>Whether what a watcher waits for has come.</summary>
/// <param name="Fulfilled">It has.</param>
/// <param name="Ended">Why it can't come any more; empty while it can.</param>
internal readonly record struct WaitOutcome(bool Fulfilled, string Ended = "");

/// <summary>Decides when a watcher's wait is over. Pure.</summary>
internal static class WaitRules
{
    /// <summary>Looks at a version.</summary>
    /// <param name="document">The version.</param>
    /// <param name="wait">What is waited for.</param>
    /// <param name="regions">The regions that are meant; all target regions when empty.</param>
    public static WaitOutcome Of(VersionDocument document, V1.ReplicaWait wait, IReadOnlyCollection<string> regions)
    {
        if (wait == V1.ReplicaWait.Unspecified)
        {
            return new WaitOutcome(Fulfilled: false);
        }

        var states = StatusRules.Targets(document).ToDictionary(region => region.Region, region => StatusRules.StateOf(document, region));
        var meant = regions.Count > 0 ? regions : states.Keys;
        var complete = meant.Count(region => states.GetValueOrDefault(region) == RegionalReplicationState.Completed);
        if (wait == V1.ReplicaWait.AnyRegion ? complete > 0 : complete == meant.Count)
        {
            return new WaitOutcome(Fulfilled: true);
        }

        var lost = meant.Where(region => !states.TryGetValue(region, out var state) || StatusRules.IsGivenUp(state)).ToList();
        var hopeless = wait == V1.ReplicaWait.AnyRegion ? lost.Count == meant.Count : lost.Count > 0;
        return hopeless
            ? new WaitOutcome(false, string.Join("; ", lost.Select(region => Why(document, states, region))))
            : new WaitOutcome(Fulfilled: false);
    }

    private static string Why(VersionDocument document, Dictionary<string, RegionalReplicationState> states, string region)
    {
        if (!states.TryGetValue(region, out var state))
        {
            return $"{region} is no target region of the version";
        }

        if (state == RegionalReplicationState.Cancelled)
        {
            return $"{region} was cancelled";
        }

        var problem = document.WantedIn(region).FirstOrDefault(replica => replica.Problem.Length > 0)?.Problem ?? "";
        return $"{region} was given up: {problem}";
    }
}
