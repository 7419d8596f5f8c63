using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Events;

/// <summary>
/// Pub/sub channels that wake the consumers of a producer. A message is the number of the partition that has news. A lost message costs a
/// poll interval, nothing else.
/// </summary>
internal static class EventChannels
{
    public static string WakeOf(string producerPrefix) => producerPrefix + "wake";

    public static RedisChannel ChannelOf(string producerPrefix) => RedisChannel.Literal(WakeOf(producerPrefix));
}
