using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Scaling;
using Gallery.Replication.Work;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;
using StackExchange.Redis;

namespace Gallery.Replication.Versions;

/// <summary>
/// Turns the difference between two states of a document into one mutation: the fields that differ, and everything that follows from them
/// (queues, what can be served, what <c>latest</c> means, events), so that they can never disagree.
/// </summary>
internal static class DocumentChange
{
    /// <summary>Whether <c>latest</c> may mean the version in a region: complete once since the region was added, served, and not excluded (semantics 3.3).</summary>
    public static bool IsLatestCandidate(VersionDocument document, RegionRecord region) =>
        document.Version.Phase == VersionPhase.Active
        && region is { WantedCount: > 0, ExcludedFromLatest: false, CompleteTime: not null }
        && document.WantedIn(region.Region).Any(replica => replica.State == ReplicaState.Ready);

    /// <summary>Adds the writes to a mutation.</summary>
    /// <param name="mutation">A mutation of the version's partition.</param>
    /// <param name="before">The stored document; null when there is none.</param>
    /// <param name="after">The one to be stored.</param>
    /// <param name="etag">Its new etag.</param>
    public static void Write(RedisMutation mutation, VersionDocument? before, VersionDocument after, string etag)
    {
        var partition = mutation.Partition;
        var key = VersionKeys.Document(partition, after.Name);
        if (after.Version.Phase == VersionPhase.Retired && after.Replicas.Count == 0)
        {
            mutation.DeleteKey(key).RemoveFromIndex(VersionKeys.All(partition), after.Name.Key);
        }
        else
        {
            mutation.PutRecord(key, after.Version, etag);
            if (before is null)
            {
                mutation.AddToIndex(VersionKeys.All(partition), after.Name.Key);
            }

            WriteReplicas(mutation, before, after);
        }

        WriteQueues(mutation, before, after);
        WriteServing(mutation, before, after);
        WriteLatest(mutation, before, after);
        WriteScaled(mutation, before, after);
    }

    /// <summary>Whether the change makes work due in a region by now.</summary>
    public static IEnumerable<string> RegionsWithNewWork(VersionDocument? before, VersionDocument after, DateTimeOffset now) =>
        after
            .Replicas.Values.Where(replica =>
                Schedule.Of(after, replica) is { } due
                && due.Time <= now.ToUnixTimeMilliseconds()
                && (before?.Replicas.GetValueOrDefault(replica.Uid) is not { } old || Schedule.Of(before, old) != due)
            )
            .Select(replica => replica.Region)
            .Distinct();

    private static void WriteReplicas(RedisMutation mutation, VersionDocument? before, VersionDocument after)
    {
        var key = VersionKeys.Document(mutation.Partition, after.Name);
        foreach (var (uid, replica) in after.Replicas)
        {
            if (before?.Replicas.GetValueOrDefault(uid) is not { } old || !old.Equals(replica))
            {
                mutation.SetHashField(key, VersionKeys.ReplicaField(uid), replica.ToByteArray());
            }

            // The claim is written only where it changed: its holder moves its end on without touching the document.
            if (before?.Replicas.ContainsKey(uid) != true || before.ClaimOf(uid) != after.ClaimOf(uid))
            {
                mutation.SetHashField(key, VersionKeys.ClaimField(uid), after.ClaimOf(uid).ToString());
            }

            if (replica.State != ReplicaState.Copying && before?.Progress.ContainsKey(uid) == true)
            {
                mutation.RemoveHashField(key, VersionKeys.ProgressField(uid));
            }
        }

        foreach (var uid in before?.Replicas.Keys.Where(uid => !after.Replicas.ContainsKey(uid)) ?? [])
        {
            mutation
                .RemoveHashField(key, VersionKeys.ReplicaField(uid))
                .RemoveHashField(key, VersionKeys.ClaimField(uid))
                .RemoveHashField(key, VersionKeys.ProgressField(uid));
        }
    }

    private static void WriteQueues(RedisMutation mutation, VersionDocument? before, VersionDocument after)
    {
        foreach (var uid in UidsOf(before, after))
        {
            var (old, replica) = (before?.Replicas.GetValueOrDefault(uid), after.Replicas.GetValueOrDefault(uid));
            var (was, due) = (old is null ? null : Schedule.Of(before!, old), replica is null ? null : Schedule.Of(after, replica));
            var member = VersionKeys.Member(after.Name, uid);
            if (was is { } left && (due is null || !left.IsBeside(due.Value)))
            {
                mutation.RemoveFromIndex(QueueOf(left, out _), member);
            }

            if (due is { } next && next != was)
            {
                mutation.AddToIndex(QueueOf(next, out var queue), member, next.Time);
                mutation.AddToIndexOrLower(VersionKeys.Queues(mutation.Partition, next.Lane, next.Region), queue, next.Time);
            }

            var (waited, waits) = (old is null ? "" : Schedule.BlockedBy(old), replica is null ? "" : Schedule.BlockedBy(replica));
            if (waited != waits && waited.Length > 0)
            {
                mutation.RemoveFromIndex(VersionKeys.Blocked(mutation.Partition, waited), member);
            }

            if (waited != waits && waits.Length > 0)
            {
                mutation.AddToIndex(VersionKeys.Blocked(mutation.Partition, waits), member);
            }
        }

        RedisKey QueueOf(Due due, out string name)
        {
            name = VersionKeys.QueueName(after.Name.SubscriptionId, due.Rank);
            return VersionKeys.Queue(mutation.Partition, due.Lane, due.Region, name);
        }
    }

    private static void WriteServing(RedisMutation mutation, VersionDocument? before, VersionDocument after)
    {
        foreach (var uid in UidsOf(before, after))
        {
            var (old, replica) = (before?.Replicas.GetValueOrDefault(uid), after.Replicas.GetValueOrDefault(uid));
            var (was, serves) = (old?.State == ReplicaState.Ready, replica?.State == ReplicaState.Ready);
            var key = VersionKeys.Serving(mutation.Partition, after.Name, (replica ?? old)!.Region);
            if (serves && !was)
            {
                mutation.AddToIndex(key, uid);
            }
            else if (was && !serves)
            {
                mutation.RemoveFromIndex(key, uid);
            }
        }
    }

    private static void WriteLatest(RedisMutation mutation, VersionDocument? before, VersionDocument after)
    {
        if (VersionKeys.LatestMember(after.Name) is not { } member)
        {
            return;
        }

        var was = before is null ? [] : Candidates(before);
        var candidates = Candidates(after);
        foreach (var region in was.Except(candidates))
        {
            mutation.RemoveFromIndex(VersionKeys.Latest(mutation.Partition, after.Name.Parent!, region), member);
        }

        foreach (var region in candidates.Except(was))
        {
            mutation.AddToIndex(VersionKeys.Latest(mutation.Partition, after.Name.Parent!, region), member);
        }
    }

    private static void WriteScaled(RedisMutation mutation, VersionDocument? before, VersionDocument after)
    {
        var was = before is null ? [] : ScalingRules.ScaledRegions(before);
        var scaled = ScalingRules.ScaledRegions(after);
        foreach (var region in was.Except(scaled))
        {
            mutation.RemoveFromIndex(VersionKeys.Scaled(mutation.Partition), VersionKeys.Member(after.Name, region));
        }

        foreach (var region in scaled.Except(was))
        {
            mutation.AddToIndex(VersionKeys.Scaled(mutation.Partition), VersionKeys.Member(after.Name, region));
        }
    }

    private static HashSet<string> Candidates(VersionDocument document) =>
        [.. document.Version.Regions.Where(region => IsLatestCandidate(document, region)).Select(region => region.Region)];

    private static IEnumerable<string> UidsOf(VersionDocument? before, VersionDocument after) =>
        before is null ? after.Replicas.Keys : before.Replicas.Keys.Union(after.Replicas.Keys);
}
