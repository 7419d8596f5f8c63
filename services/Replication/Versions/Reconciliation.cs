using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Versions;

/// <summary>
/// Turns what is wanted into replicas to make and replicas to drop. Pure: the same inputs give the same document, and applying it twice
/// changes nothing, so an event that comes twice, late or never does no harm as long as somebody reconciles again.
/// </summary>
internal static class Reconciliation
{
    /// <summary>The document as it should be now.</summary>
    /// <param name="before">The stored one; null when there is none.</param>
    /// <param name="desired">What Catalog wants; null when it does not know the version.</param>
    /// <param name="isRegion">Whether there is a region of that name.</param>
    /// <param name="traceParent">Trace context of the change.</param>
    /// <param name="now">The time.</param>
    /// <returns>The new document, <paramref name="before"/> itself when nothing is to change, or null when there is nothing to remember.</returns>
    public static VersionDocument? Apply(
        VersionDocument? before,
        DesiredVersion? desired,
        Func<string, bool> isRegion,
        string traceParent,
        DateTimeOffset now
    )
    {
        var time = Timestamp.FromDateTimeOffset(now);
        if (desired is null || desired.IsDeleting)
        {
            return before is null || before.Version.Phase == VersionPhase.Retired ? before : Retire(before, time);
        }

        var sameIncarnation = before is not null && before.Version.Uid == desired.Uid;
        if (sameIncarnation && desired.Generation < before!.Version.Generation)
        {
            return before; // Asked before the answer that the document was made from.
        }

        var after = sameIncarnation ? before!.Clone() : Incarnate(before, desired, time);
        var newGeneration = !sameIncarnation || desired.Generation > before!.Version.Generation;
        after.Version.Generation = desired.Generation;
        after.Version.Phase = desired.IsSoftDeleted ? VersionPhase.SoftDeleted : VersionPhase.Active;
        if (newGeneration)
        {
            after.Version.TraceParent = traceParent;
            after.Version.GenerationTime = time;
        }

        AdoptTargets(after, desired, time);
        DropSurplus(after, time);
        foreach (var region in after.Version.Regions.Where(region => region.WantedCount > 0))
        {
            var exists = isRegion(region.Region);
            AddMissing(after, region, exists, time);
            if (newGeneration)
            {
                StartAgain(after, region, exists, time);
            }

            if (region.Absent == exists)
            {
                region.Absent = !exists;
                FollowConfiguration(after, region, exists, time);
            }
        }

        return before is not null && Same(before, after) ? before : after;
    }

    /// <summary>The document with another number of replicas in a region, or another way to find that number.</summary>
    /// <param name="before">The stored one.</param>
    /// <param name="region">One of its target regions.</param>
    /// <param name="change">Changes what is wanted there.</param>
    /// <param name="exists">Whether there is such a region.</param>
    /// <param name="now">The time.</param>
    public static VersionDocument Scale(VersionDocument before, string region, Action<RegionRecord> change, bool exists, DateTimeOffset now)
    {
        var (after, time) = (before.Clone(), Timestamp.FromDateTimeOffset(now));
        var record = after.RegionOf(region)!;
        var count = record.WantedCount;
        change(record);
        if (record.WantedCount != count)
        {
            record.UpdateTime = time;
            DropSurplus(after, time);
            AddMissing(after, record, exists, time);
        }

        return after;
    }

    private static VersionDocument Retire(VersionDocument before, Timestamp time)
    {
        var after = before.Clone();
        after.Version.Phase = VersionPhase.Retired;
        foreach (var region in after.Version.Regions)
        {
            region.WantedCount = 0;
            region.UpdateTime = time;
        }

        DropSurplus(after, time);
        return after;
    }

    /// <summary>A new incarnation; replicas of an older one stay in the document until their bytes are freed.</summary>
    private static VersionDocument Incarnate(VersionDocument? before, DesiredVersion desired, Timestamp time)
    {
        var retired = before is null ? null : Retire(before, time);
        return new VersionDocument
        {
            Etag = before?.Etag ?? "",
            Version = new VersionRecord
            {
                Name = desired.Name,
                Uid = desired.Uid,
                HomeRegion = desired.HomeRegion,
                Disks = { desired.Disks },
            },
            Replicas = retired?.Replicas ?? [],
            Claims = retired?.Claims ?? [],
        };
    }

    private static void AdoptTargets(VersionDocument after, DesiredVersion desired, Timestamp time)
    {
        var known = after.Version.Regions.ToDictionary(region => region.Region);
        var ordered = new List<RegionRecord>();
        foreach (var target in desired.Targets)
        {
            if (!known.Remove(target.Region, out var record))
            {
                record = new RegionRecord { Region = target.Region };
            }

            if (record.WantedCount == 0)
            {
                record.Scaling = null;
                record.TimesAdded++;
                record.AddTime = time;
                record.UpdateTime = time;
                record.CompleteTime = null;
                record.FirstReplicaUid = "";
                record.StorageAccountType = target.StorageAccountType;
            }

            record.TargetCount = target.Count;
            var wanted = record.Scaling is null || desired.IsSoftDeleted ? target.Count : record.WantedCount;
            if (record.WantedCount != wanted)
            {
                record.WantedCount = wanted;
                record.UpdateTime = time;
            }

            record.ExcludedFromLatest = target.ExcludedFromLatest;
            ordered.Add(record);
        }

        foreach (var dropped in known.Values.OrderBy(region => region.Region, StringComparer.Ordinal))
        {
            if (dropped.WantedCount > 0)
            {
                dropped.WantedCount = 0;
                dropped.Scaling = null;
                dropped.UpdateTime = time;
            }

            ordered.Add(dropped);
        }

        after.Version.Regions.Clear();
        after.Version.Regions.AddRange(ordered);
    }

    private static void DropSurplus(VersionDocument after, Timestamp time)
    {
        foreach (var replica in after.Replicas.Values.Where(replica => replica.State != ReplicaState.Deleting))
        {
            if (replica.Ordinal < (after.RegionOf(replica.Region)?.WantedCount ?? 0))
            {
                continue;
            }

            replica.State = ReplicaState.Deleting;
            replica.Problem = "";
            replica.BlockedBy = "";
            replica.StopPending = false;
            replica.FailureCount = 0;
            replica.RetryTime = time;
            after.Claims[replica.Uid] = after.ClaimOf(replica.Uid).Revoked();
        }
    }

    private static void AddMissing(VersionDocument after, RegionRecord region, bool exists, Timestamp time)
    {
        var present = after.WantedIn(region.Region).Select(replica => replica.Ordinal).ToHashSet();
        for (var ordinal = 0; ordinal < region.WantedCount; ordinal++)
        {
            if (present.Contains(ordinal))
            {
                continue;
            }

            var life = region.Lives.GetValueOrDefault(ordinal) + 1;
            region.Lives[ordinal] = life;
            var replica = new ReplicaRecord
            {
                Uid = VersionDocument.UidOf(after.Version.Uid, region.Region, ordinal, life),
                Region = region.Region,
                Ordinal = ordinal,
                Life = life,
                StorageAccountType = region.StorageAccountType,
            };
            Queue(replica, region, exists, time);
            after.Replicas.Add(replica.Uid, replica);
            after.Claims[replica.Uid] = default;
        }
    }

    /// <summary>A new generation is a new try for what was given up (semantics 3.6), and a new patience for what waits.</summary>
    private static void StartAgain(VersionDocument after, RegionRecord region, bool exists, Timestamp time)
    {
        foreach (var replica in after.WantedIn(region.Region))
        {
            if (replica.State is ReplicaState.Failed or ReplicaState.Cancelled)
            {
                // A worker that is about to tell its node to stop comes too late.
                after.Claims[replica.Uid] = after.ClaimOf(replica.Uid).Revoked();
                Queue(replica, region, exists, time);
            }
            else if (replica.State == ReplicaState.Queued)
            {
                replica.BudgetStartTime = time;
            }
        }
    }

    /// <summary>
    /// A region was taken out of the configuration: nobody works there, so what is not complete is given up with the reason. When it is put
    /// in again, that is taken up again.
    /// </summary>
    private static void FollowConfiguration(VersionDocument after, RegionRecord region, bool exists, Timestamp time)
    {
        foreach (var replica in after.WantedIn(region.Region))
        {
            var changes = exists ? replica.State == ReplicaState.Failed : replica.State is ReplicaState.Queued or ReplicaState.Copying;
            if (changes)
            {
                after.Claims[replica.Uid] = after.ClaimOf(replica.Uid).Revoked();
                Queue(replica, region, exists, time);
            }
        }
    }

    private static void Queue(ReplicaRecord replica, RegionRecord region, bool exists, Timestamp time)
    {
        replica.State = exists ? ReplicaState.Queued : ReplicaState.Failed;
        replica.Problem = exists ? "" : $"{region.Region} is not a region of this gallery";
        replica.BlockedBy = "";
        replica.StopPending = false;
        replica.FailureCount = 0;
        replica.RetryTime = time;
        replica.BudgetStartTime = time;
        region.UpdateTime = time;
    }

    private static bool Same(VersionDocument before, VersionDocument after) =>
        before.Version.Equals(after.Version)
        && before.Replicas.Count == after.Replicas.Count
        && after.Replicas.All(entry => before.Replicas.TryGetValue(entry.Key, out var old) && old.Equals(entry.Value));
}
