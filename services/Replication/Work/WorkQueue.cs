using Gallery.Replication.Records;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.Replication.Work;

/// <summary>Work on a replica in the hands of one worker.</summary>
/// <param name="Lane">What is to be done.</param>
/// <param name="Document">The version as it was when the work was taken.</param>
/// <param name="Replica">The replica.</param>
/// <param name="Token">The worker's fencing token.</param>
internal sealed record ClaimedReplica(Lane Lane, VersionDocument Document, ReplicaRecord Replica, long Token)
{
    /// <summary>The version.</summary>
    public ResourceName Version => Document.Name;

    /// <summary>The replica's uid.</summary>
    public string Uid => Replica.Uid;
}

/// <summary>
/// The work that is due, by region. A worker claims a replica in one step, with a token that grows; its results count only as long as
/// nobody has claimed the replica after it.
/// </summary>
internal sealed class WorkQueue(RedisStore redis, VersionStore versions, IOptions<WorkOptions> options, TimeProvider clock)
{
    // Of a partition in one look: with more subscriptions than that, those whose work has waited longest come first.
    private const int MostQueues = 256;

    private static readonly string DueScript = Scripts.Read("due.lua");
    private static readonly string ProgressScript = Scripts.Read("progress.lua");

    /// <summary>What is due in a region: some of each subscription and rank, the longest waiting ones.</summary>
    /// <param name="lane">The lane.</param>
    /// <param name="region">The region.</param>
    /// <param name="most">How many of each at the most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<Candidate>> DueAsync(Lane lane, string region, int most, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var looks = redis
            .Partitions.Select(partition =>
                redis.Database.ScriptEvaluateAsync(DueScript, [VersionKeys.Queues(partition, lane, region)], [now, MostQueues, most])
            )
            .ToArray();
        var found = new List<Candidate>();
        foreach (var look in await Task.WhenAll(looks).WaitAsync(cancellationToken))
        {
            foreach (var queue in (RedisResult[])look!)
            {
                var (subscription, rank) = VersionKeys.ParseQueueName((string)queue[0]!);
                var entries = (RedisValue[])queue[1]!;
                for (var index = 0; index + 1 < entries.Length; index += 2)
                {
                    found.Add(new Candidate(subscription, rank, (long)entries[index + 1], entries[index].ToString()));
                }
            }
        }

        return found;
    }

    /// <summary>Takes the work on a replica. Null when somebody was faster, or there is nothing to do.</summary>
    public async Task<ClaimedReplica?> TryClaimAsync(Lane lane, string region, Candidate candidate, CancellationToken cancellationToken)
    {
        if (VersionKeys.ParseMember(candidate.Member) is not { } entry)
        {
            return null;
        }

        var (version, uid) = entry;
        var known = false;
        ClaimedReplica? claimed = null;
        var written = await versions.ChangeAsync(
            version,
            document =>
            {
                claimed = null;
                known = document.Replicas.TryGetValue(uid, out var replica);
                if (
                    replica is null
                    || Schedule.Of(document, replica) is not { } due
                    || due.Lane != lane
                    || due.Region != region
                    || WorkRules.Claim(document, uid, clock.GetUtcNow(), options.Value.ClaimLease) is not { } after
                )
                {
                    return null;
                }

                // As it is in the worker's hands: what others change at the same time is theirs.
                claimed = new ClaimedReplica(lane, after, after.Replicas[uid], after.ClaimOf(uid).Token);
                return after;
            },
            cancellationToken
        );
        if (!known)
        {
            // Redis never holds an entry without its replica, unless somebody repaired the store by hand.
            var key = VersionKeys.Queue(
                versions.PartitionOf(version),
                lane,
                region,
                VersionKeys.QueueName(candidate.Subscription, candidate.Rank)
            );
            await redis.Database.SortedSetRemoveAsync(key, candidate.Member).WaitAsync(cancellationToken);
        }

        return written is null ? null : claimed;
    }

    /// <summary>Keeps a claim alive, and writes progress down. False when the replica is somebody else's by now.</summary>
    public async Task<bool> KeepAsync(ClaimedReplica work, ProgressRecord? progress, CancellationToken cancellationToken)
    {
        var partition = versions.PartitionOf(work.Version);
        RedisKey[] keys = [VersionKeys.Document(partition, work.Version), QueueOf(partition, work)];
        RedisValue[] arguments =
        [
            VersionKeys.ClaimField(work.Uid),
            work.Token,
            (clock.GetUtcNow() + options.Value.ClaimLease).ToUnixTimeMilliseconds(),
            VersionKeys.Member(work.Version, work.Uid),
            VersionKeys.ProgressField(work.Uid),
            progress is null ? RedisValue.EmptyString : progress.ToByteArray(),
        ];
        return (int)await redis.Database.ScriptEvaluateAsync(ProgressScript, keys, arguments).WaitAsync(cancellationToken) == 1;
    }

    /// <summary>The replica is complete. Null when the worker is not the holder any more.</summary>
    public Task<VersionDocument?> CompleteAsync(ClaimedReplica work, CompletedCopy copy, CancellationToken cancellationToken) =>
        versions.ChangeAsync(
            work.Version,
            document => WorkRules.Complete(document, work.Uid, work.Token, copy, clock.GetUtcNow()),
            cancellationToken
        );

    /// <summary>The attempt failed. Null when the worker is not the holder any more.</summary>
    public async Task<VersionDocument?> FailAsync(ClaimedReplica work, WorkFailure failure, CancellationToken cancellationToken)
    {
        var jitter = Random.Shared.NextDouble();
        return await versions.ChangeAsync(
            work.Version,
            document => WorkRules.Fail(document, work.Uid, work.Token, failure, options.Value, jitter, clock.GetUtcNow()),
            cancellationToken
        );
    }

    /// <summary>The worker stops before it is through.</summary>
    public Task ReleaseAsync(ClaimedReplica work, CancellationToken cancellationToken) =>
        versions.ChangeAsync(
            work.Version,
            document => WorkRules.Release(document, work.Uid, work.Token, clock.GetUtcNow()),
            cancellationToken
        );

    /// <summary>The node of a cancelled replica has ended its work.</summary>
    public Task StoppedAsync(ClaimedReplica work, CancellationToken cancellationToken) =>
        versions.ChangeAsync(
            work.Version,
            document => WorkRules.Stopped(document, work.Uid, work.Token, clock.GetUtcNow()),
            cancellationToken
        );

    /// <summary>The replica's bytes are freed.</summary>
    public Task FreedAsync(ClaimedReplica work, CancellationToken cancellationToken) =>
        versions.ChangeAsync(
            work.Version,
            document => WorkRules.Freed(document, work.Uid, work.Token, clock.GetUtcNow()),
            cancellationToken
        );

    private static RedisKey QueueOf(Partition partition, ClaimedReplica work)
    {
        var rank = Schedule.Of(work.Document, work.Replica)?.Rank ?? Rank.FirstSmall;
        return VersionKeys.Queue(partition, work.Lane, work.Replica.Region, VersionKeys.QueueName(work.Version.SubscriptionId, rank));
    }
}
