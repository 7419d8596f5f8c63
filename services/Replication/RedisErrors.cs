using StackExchange.Redis;

namespace Gallery.Replication;

/// <summary>Tells errors of the store from others.</summary>
internal static class RedisErrors
{
    /// <summary>Whether the store did not answer, or refused.</summary>
    public static bool Is(Exception error) => error is RedisException or RedisTimeoutException;
}
