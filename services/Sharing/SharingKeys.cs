using Gallery.ServiceDefaults.Redis;
using Gallery.Sharing.Access;
using StackExchange.Redis;

namespace Gallery.Sharing;

/// <summary>Where things are kept in Redis, all of a subscription in its partition.</summary>
internal static class SharingKeys
{
    /// <summary>The directory's record of a subscription.</summary>
    public static RedisKey Subscription(RedisStore store, string id) => store.PartitionOf(id).Key("subscription", id);

    /// <summary>The record of an assignment.</summary>
    public static RedisKey Assignment(RedisStore store, string subscriptionId, string id) =>
        store.PartitionOf(subscriptionId).Key("assignment", subscriptionId, id);

    /// <summary>A sorted set of the ids of a subscription's assignments.</summary>
    public static RedisKey Assignments(RedisStore store, string subscriptionId) =>
        store.PartitionOf(subscriptionId).Key("assignments", subscriptionId);

    /// <summary>A hash from grants to the ids of their assignments.</summary>
    public static RedisKey Grants(RedisStore store, string subscriptionId) =>
        store.PartitionOf(subscriptionId).Key("grants", subscriptionId);

    /// <summary>A hash from holders to the number of their assignments in a subscription.</summary>
    public static RedisKey Holders(RedisStore store, string subscriptionId) =>
        store.PartitionOf(subscriptionId).Key("holders", subscriptionId);

    /// <summary>A sorted set of <c>{subscription}/{assignment}</c>: what a holder holds in the subscriptions of a partition.</summary>
    public static RedisKey Held(Partition partition, Holder holder) => partition.Key("held", holder.Key);

    /// <summary>A hash of the seeds that were planted in a subscription.</summary>
    public static RedisKey Seeds(RedisStore store, string subscriptionId) => store.PartitionOf(subscriptionId).Key("seeds", subscriptionId);
}
