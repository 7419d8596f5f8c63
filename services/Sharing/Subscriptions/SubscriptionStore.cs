using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Redis;
using Gallery.Sharing.Access;
using StackExchange.Redis;

namespace Gallery.Sharing.Subscriptions;

/// <summary>The directory of subscriptions, and which of them a principal has roles in.</summary>
internal sealed class SubscriptionStore(RedisStore store)
{
    /// <summary>Reads a subscription; null when there is none.</summary>
    public async Task<Subscription?> FindAsync(string id, CancellationToken cancellationToken) =>
        (await store.ReadAsync(SharingKeys.Subscription(store, id), Subscription.Parser, cancellationToken))?.Value;

    /// <summary>Reads subscriptions in the order of their ids; those that there are not are left out.</summary>
    public async Task<IReadOnlyList<Subscription>> FindAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken)
    {
        var records = await store.ReadManyAsync(
            [.. ids.Select(id => SharingKeys.Subscription(store, id))],
            Subscription.Parser,
            cancellationToken
        );
        return [.. records.OfType<Stored<Subscription>>().Select(stored => stored.Value)];
    }

    /// <summary>The ids of subscriptions in which a holder has a role, in order.</summary>
    /// <param name="holders">The principal and its groups.</param>
    /// <param name="after">Only ids after this one; empty for the first ones.</param>
    /// <param name="count">How many, at the most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<(IReadOnlyList<string> Ids, bool More)> HeldAsync(
        IReadOnlyList<Holder> holders,
        string after,
        int count,
        CancellationToken cancellationToken
    )
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        while (true)
        {
            var (ids, complete) = await ReadHeldAsync(holders, found.Max ?? after, count, cancellationToken);
            found.UnionWith(ids);
            if (complete || found.Count > count)
            {
                return ([.. found.Take(count)], found.Count > count);
            }
        }
    }

    /// <summary>
    /// Reads on from an id in every set at once. A set that has more than was read is known up to the last id read only, so all ids are
    /// known up to the smallest of those.
    /// </summary>
    private async Task<(IEnumerable<string> Ids, bool Complete)> ReadHeldAsync(
        IReadOnlyList<Holder> holders,
        string after,
        int count,
        CancellationToken cancellationToken
    )
    {
        // '0' follows '/' in ASCII, so this lies behind all members of the subscription.
        var first = after.Length == 0 ? RedisValue.Null : (RedisValue)(after + "0");
        var reads =
            from partition in store.Partitions
            from holder in holders
            select store.Database.SortedSetRangeByValueAsync(
                SharingKeys.Held(partition, holder),
                first,
                default,
                Exclude.None,
                Order.Ascending,
                0,
                count + 1
            );
        var sets = await Task.WhenAll(reads).WaitAsync(cancellationToken);
        string? horizon = null;
        var ids = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var members in sets)
        {
            ids.UnionWith(members.Select(SubscriptionOf));
            if (members.Length > count && (horizon is null || string.CompareOrdinal(SubscriptionOf(members[^1]), horizon) < 0))
            {
                horizon = SubscriptionOf(members[^1]);
            }
        }

        return horizon is null ? (ids, true) : (ids.Where(id => string.CompareOrdinal(id, horizon) <= 0), false);
    }

    private static string SubscriptionOf(RedisValue member)
    {
        var text = member.ToString();
        return text[..text.IndexOf('/', StringComparison.Ordinal)];
    }
}
