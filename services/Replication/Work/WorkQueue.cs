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
    private static readonly string ProgressScript = Scripts.Read("progress.lua");

    /// <summary>Entries that are due in a region, some of each partition, the longest waiting ones first.</summary>
    public async Task<IReadOnlyList<string>> DueAsync(Lane lane, string region, int most, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var reads = redis
            .Partitions.Select(partition =>
                redis.Database.SortedSetRangeByScoreWithScoresAsync(VersionKeys.Due(partition, lane, region), stop: now, take: most)
            )
            .ToArray();
        var found = await Task.WhenAll(reads).WaitAsync(cancellationToken);
        return [.. found.SelectMany(entries => entries).OrderBy(entry => entry.Score).Select(entry => entry.Element.ToString())];
    }

    /// <summary>Takes the work on a replica. Null when somebody was faster, or there is nothing to do.</summary>
    public async Task<ClaimedReplica?> TryClaimAsync(Lane lane, string region, string member, CancellationToken cancellationToken)
    {
        if (VersionKeys.ParseMember(member) is not { } entry)
        {
            return null;
        }

        var (version, uid) = entry;
        if (await versions.ReadAsync(version, cancellationToken) is not { } before || !before.Replicas.TryGetValue(uid, out var found))
        {
            // Redis never holds an entry without its replica, unless somebody repaired the store by hand.
            await redis
                .Database.SortedSetRemoveAsync(VersionKeys.Due(versions.PartitionOf(version), lane, region), member)
                .WaitAsync(cancellationToken);
            return null;
        }

        if (
            Schedule.Of(before, found) is not { } due
            || due.Lane != lane
            || WorkRules.Claim(before, uid, clock.GetUtcNow(), options.Value.ClaimLease) is not { } after
            || await versions.TryWriteAsync(before, after, [], cancellationToken) is not { } claimed
        )
        {
            return null;
        }

        return new ClaimedReplica(lane, claimed, claimed.Replicas[uid], claimed.ClaimOf(uid).Token);
    }

    /// <summary>Keeps a claim alive, and writes progress down. False when the replica is somebody else's by now.</summary>
    public async Task<bool> KeepAsync(ClaimedReplica work, ProgressRecord? progress, CancellationToken cancellationToken)
    {
        var partition = versions.PartitionOf(work.Version);
        RedisKey[] keys = [VersionKeys.Document(partition, work.Version), VersionKeys.Due(partition, work.Lane, work.Replica.Region)];
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

    /// <summary>The replica's bytes are freed.</summary>
    public Task FreedAsync(ClaimedReplica work, CancellationToken cancellationToken) =>
        versions.ChangeAsync(
            work.Version,
            document => WorkRules.Freed(document, work.Uid, work.Token, clock.GetUtcNow()),
            cancellationToken
        );
}
