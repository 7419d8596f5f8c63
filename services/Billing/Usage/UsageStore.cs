using System.Globalization;
using System.Runtime.CompilerServices;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using StackExchange.Redis;

namespace Gallery.Billing.Usage;

/// <summary>
/// Keeps usage intervals and egress records, one of each a replica at the most, in the partition of the subscription.
///
/// Indexes are sorted sets of <c>{time in ticks}/{replica uid}</c>, in the order of time: all intervals by their start, those that are open,
/// those that have ended by their end, and egress by its time; the first and the last once more for each version.
/// </summary>
internal sealed class UsageStore(RedisStore store)
{
    private const int MostAttempts = 8;
    private const int ReadAtOnce = 1000;

    // An end waits so long for its beginning: many times longer than an event may be late.
    private static readonly TimeSpan EndWaits = TimeSpan.FromDays(90);

    /// <summary>Takes in an event, interval and egress in one step. Answers what was new.</summary>
    public async Task<UsageChange> ApplyAsync(
        string subscriptionId,
        ResourceName version,
        ReplicaChanged change,
        CancellationToken cancellationToken
    )
    {
        var key = Interval(subscriptionId, change.Uid);
        for (var attempt = 1; ; attempt++)
        {
            var stored = await store.ReadAsync(key, UsageInterval.Parser, cancellationToken);
            var next = UsageRules.Apply(stored?.Value, change);
            if (next is null)
            {
                return UsageChange.None;
            }

            next.Name = $"subscriptions/{subscriptionId}/usageIntervals/{change.Uid}";
            var egress = UsageRules.EgressOf(subscriptionId, change);
            var mutation = new RedisMutation(store.PartitionOf(subscriptionId));
            mutation = stored is null ? mutation.RequireAbsent(key, Overtaken) : mutation.RequireEtag(key, stored.Etag, Overtaken);
            Put(mutation, key, subscriptionId, change.Uid, version, stored?.Value, next);
            if (egress is not null)
            {
                Put(mutation, subscriptionId, change.Uid, version, stored?.Value.StartTime, egress);
            }

            try
            {
                await store.ExecuteAsync(mutation, cancellationToken);
                return new UsageChange(
                    Begun: UsageRules.HasBegun(next) && !UsageRules.HasBegun(stored?.Value),
                    Ended: next.EndTime is not null && stored?.Value.EndTime is null,
                    EgressBytes: egress?.BilledBytes ?? 0
                );
            }
            catch (RpcException conflict) when (GalleryError.ReasonOf(conflict) == ErrorReason.EtagMismatch && attempt < MostAttempts)
            {
                // Another event of the same replica was taken in between: look again.
            }
        }

        RpcException Overtaken() => GalleryError.EtagMismatch(change.Name);
    }

    /// <summary>All intervals that lie in a stretch of time at least in part.</summary>
    public async IAsyncEnumerable<UsageInterval> IntervalsAsync(
        string subscriptionId,
        DateTimeOffset start,
        DateTimeOffset end,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        // The open ones first, so that none is missed that ends in between; it comes twice then.
        var told = new HashSet<string>(StringComparer.Ordinal);
        await foreach (
            var interval in ReadAllAsync(
                OpenIntervals(subscriptionId),
                "",
                Ticks(end),
                uid => Interval(subscriptionId, uid),
                UsageInterval.Parser,
                cancellationToken
            )
        )
        {
            told.Add(interval.Name);
            yield return interval;
        }

        await foreach (
            var interval in ReadAllAsync(
                EndedIntervals(subscriptionId),
                Ticks(start),
                "",
                uid => Interval(subscriptionId, uid),
                UsageInterval.Parser,
                cancellationToken
            )
        )
        {
            if (interval.StartTime.ToDateTimeOffset() < end && !told.Contains(interval.Name))
            {
                yield return interval;
            }
        }
    }

    /// <summary>All egress in a stretch of time.</summary>
    public IAsyncEnumerable<EgressRecord> EgressAsync(
        string subscriptionId,
        DateTimeOffset start,
        DateTimeOffset end,
        CancellationToken cancellationToken
    ) =>
        ReadAllAsync(
            Egresses(subscriptionId),
            Ticks(start),
            Ticks(end),
            uid => Egress(subscriptionId, uid),
            EgressRecord.Parser,
            cancellationToken
        );

    /// <summary>Reads on in the intervals, by start.</summary>
    public Task<IReadOnlyList<(string Member, UsageInterval Value)>> ReadIntervalsAsync(
        string subscriptionId,
        ResourceName? version,
        string after,
        string before,
        int count,
        CancellationToken cancellationToken
    ) =>
        ReadAsync(
            version is null ? Intervals(subscriptionId) : IntervalsOf(version),
            after,
            before,
            uid => Interval(subscriptionId, uid),
            UsageInterval.Parser,
            count,
            cancellationToken
        );

    /// <summary>Reads on in the egress records, by time.</summary>
    public Task<IReadOnlyList<(string Member, EgressRecord Value)>> ReadEgressAsync(
        string subscriptionId,
        ResourceName? version,
        string after,
        string before,
        int count,
        CancellationToken cancellationToken
    ) =>
        ReadAsync(
            version is null ? Egresses(subscriptionId) : EgressesOf(version),
            after,
            before,
            uid => Egress(subscriptionId, uid),
            EgressRecord.Parser,
            count,
            cancellationToken
        );

    /// <summary>Lies behind all members of earlier instants and before all of this or later ones.</summary>
    public static string Ticks(DateTimeOffset time) => time.UtcTicks.ToString("D19", CultureInfo.InvariantCulture);

    private static string Member(Timestamp time, string uid) => $"{Ticks(time.ToDateTimeOffset())}/{uid}";

    private static RedisValue Bound(string member) => member.Length == 0 ? default(RedisValue) : member;

    private static string UidOf(string member) => member[(member.IndexOf('/', StringComparison.Ordinal) + 1)..];

    private void Put(
        RedisMutation mutation,
        RedisKey key,
        string subscriptionId,
        string uid,
        ResourceName version,
        UsageInterval? before,
        UsageInterval after
    )
    {
        // Deleted first, because a record that was waiting for its beginning is about to expire.
        mutation.DeleteKey(key).PutRecord(key, after, Etag.New());
        if (!UsageRules.HasBegun(after))
        {
            mutation.Expire(key, EndWaits);
            return;
        }

        foreach (var (index, member) in Indexes(before).Except(Indexes(after)))
        {
            mutation.RemoveFromIndex(index, member);
        }

        foreach (var (index, member) in Indexes(after))
        {
            mutation.AddToIndex(index, member);
        }

        IEnumerable<(RedisKey Index, string Member)> Indexes(UsageInterval? interval)
        {
            if (!UsageRules.HasBegun(interval))
            {
                yield break;
            }

            var start = Member(interval!.StartTime, uid);
            yield return (Intervals(subscriptionId), start);
            yield return (IntervalsOf(version), start);
            yield return interval.EndTime is null
                ? (OpenIntervals(subscriptionId), start)
                : (EndedIntervals(subscriptionId), Member(interval.EndTime, uid));
        }
    }

    private void Put(
        RedisMutation mutation,
        string subscriptionId,
        string uid,
        ResourceName version,
        Timestamp? earlier,
        EgressRecord record
    )
    {
        RedisKey[] indexes = [Egresses(subscriptionId), EgressesOf(version)];
        foreach (var index in indexes)
        {
            if (earlier is not null)
            {
                mutation.RemoveFromIndex(index, Member(earlier, uid));
            }

            mutation.AddToIndex(index, Member(record.Time, uid));
        }

        mutation.PutRecord(Egress(subscriptionId, uid), record, Etag.New());
    }

    private async IAsyncEnumerable<T> ReadAllAsync<T>(
        RedisKey index,
        string after,
        string before,
        Func<string, RedisKey> keyOf,
        MessageParser<T> parser,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
        where T : class, IMessage<T>
    {
        while (true)
        {
            var found = await ReadAsync(index, after, before, keyOf, parser, ReadAtOnce, cancellationToken);
            foreach (var (_, value) in found)
            {
                yield return value;
            }

            if (found.Count < ReadAtOnce)
            {
                yield break;
            }

            after = found[^1].Member;
        }
    }

    private async Task<IReadOnlyList<(string Member, T Value)>> ReadAsync<T>(
        RedisKey index,
        string after,
        string before,
        Func<string, RedisKey> keyOf,
        MessageParser<T> parser,
        int count,
        CancellationToken cancellationToken
    )
        where T : class, IMessage<T>
    {
        var members = await store
            .Database.SortedSetRangeByValueAsync(index, Bound(after), Bound(before), Exclude.Start, Order.Ascending, 0, count)
            .WaitAsync(cancellationToken);
        string[] names = [.. members.Select(member => member.ToString())];
        var records = await store.ReadManyAsync([.. names.Select(name => keyOf(UidOf(name)))], parser, cancellationToken);
        // Whatever an index names exists: the two are written together, and records are never deleted.
        return [.. names.Zip(records, (name, record) => (name, record!.Value))];
    }

    private RedisKey Interval(string subscriptionId, string uid) => store.PartitionOf(subscriptionId).Key("interval", subscriptionId, uid);

    private RedisKey Intervals(string subscriptionId) => store.PartitionOf(subscriptionId).Key("intervals", subscriptionId);

    private RedisKey IntervalsOf(ResourceName version) => store.PartitionOf(version.SubscriptionId).Key("version-intervals", version.Key);

    private RedisKey OpenIntervals(string subscriptionId) => store.PartitionOf(subscriptionId).Key("open", subscriptionId);

    private RedisKey EndedIntervals(string subscriptionId) => store.PartitionOf(subscriptionId).Key("ended", subscriptionId);

    private RedisKey Egress(string subscriptionId, string uid) => store.PartitionOf(subscriptionId).Key("egress", subscriptionId, uid);

    private RedisKey Egresses(string subscriptionId) => store.PartitionOf(subscriptionId).Key("egresses", subscriptionId);

    private RedisKey EgressesOf(ResourceName version) => store.PartitionOf(version.SubscriptionId).Key("version-egresses", version.Key);
}
