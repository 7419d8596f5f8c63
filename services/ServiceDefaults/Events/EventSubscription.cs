using Gallery.ServiceDefaults.Redis;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Events;

/// <summary>That this service handles the events of a producer.</summary>
/// <param name="ProducerPrefix">The producer's key prefix.</param>
/// <param name="Handler">The type of the handler.</param>
internal sealed record EventSubscription(string ProducerPrefix, Type Handler)
{
    /// <summary>The consumer's own stream for events that come from the dead letters once more.</summary>
    public static RedisKey RedriveStream(Partition own, string producerPrefix) => own.Key("redrive", producerPrefix.TrimEnd(':'));

    /// <summary>The consumer's own stream for events of a subscription that it could not handle.</summary>
    public static RedisKey DeadLetters(Partition own, string subscriptionId) => own.Key("dead", subscriptionId);
}
