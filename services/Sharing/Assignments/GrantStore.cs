using Gallery.ServiceDefaults.Redis;
using Gallery.Sharing.Access;
using StackExchange.Redis;

namespace Gallery.Sharing.Assignments;

/// <summary>
/// Finds grants. Per subscription there are two hashes, kept by <see cref="AssignmentStore"/>: <c>grants</c> maps each grant to the id of its
/// assignment, <c>holders</c> counts the assignments of each holder.
/// </summary>
internal sealed class GrantStore(RedisStore store)
{
    // With few groups asking for every grant at once is cheaper than a round trip to find out which groups matter.
    private const int FewHolders = 8;

    /// <summary>Those of the holders that have any role in the subscription; all of them when they are too few to ask.</summary>
    public async Task<IReadOnlyList<Holder>> NarrowAsync(
        string subscriptionId,
        IReadOnlyList<Holder> holders,
        CancellationToken cancellationToken
    ) => holders.Count <= FewHolders ? holders : await WithRolesAsync(subscriptionId, holders, cancellationToken);

    /// <summary>Those of the holders that have any role in the subscription, at any scope.</summary>
    public async Task<IReadOnlyList<Holder>> WithRolesAsync(
        string subscriptionId,
        IReadOnlyList<Holder> holders,
        CancellationToken cancellationToken
    )
    {
        if (holders.Count == 0)
        {
            return [];
        }

        var key = SharingKeys.Holders(store, subscriptionId);
        RedisValue[] fields = [.. holders.Select(holder => (RedisValue)holder.Key)];
        var counts = await store.Database.HashGetAsync(key, fields).WaitAsync(cancellationToken);
        return [.. holders.Where((_, index) => counts[index].TryParse(out long count) && count > 0)];
    }

    /// <summary>The assignment ids of those of the grants that exist, by the grants' keys.</summary>
    public async Task<IReadOnlyDictionary<string, string>> FindAsync(
        string subscriptionId,
        IReadOnlyList<Grant> grants,
        CancellationToken cancellationToken
    )
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        if (grants.Count == 0)
        {
            return found;
        }

        string[] keys = [.. grants.Select(grant => grant.Key).Distinct()];
        var ids = await store
            .Database.HashGetAsync(SharingKeys.Grants(store, subscriptionId), [.. keys.Select(key => (RedisValue)key)])
            .WaitAsync(cancellationToken);
        for (var index = 0; index < keys.Length; index++)
        {
            if (!ids[index].IsNull)
            {
                found.Add(keys[index], ids[index].ToString());
            }
        }

        return found;
    }
}
