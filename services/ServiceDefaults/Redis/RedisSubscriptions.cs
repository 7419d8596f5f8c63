using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>Listening to channels.</summary>
public static class RedisSubscriptions
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Listens to a channel; returns as soon as it does. The client has a connection of its own for this, which comes up a moment after the one
    /// for commands: that it is not there yet is no fault, so it is waited for. Once subscribed, the client subscribes again by itself whenever
    /// the connection was lost.
    /// </summary>
    /// <param name="store">The service's part of Redis.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="received">Told of each message.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task SubscribeAsync(
        this RedisStore store,
        RedisChannel channel,
        Action<RedisValue> received,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(store);
        var subscriber = store.Connection.GetSubscriber();
        for (var pause = FirstPause; ; pause = pause < LongestPause ? 2 * pause : LongestPause)
        {
            try
            {
                if (subscriber.IsConnected(channel))
                {
                    await subscriber.SubscribeAsync(channel, (_, message) => received(message)).WaitAsync(cancellationToken);
                    return;
                }
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                // Lost in between. What was registered stays so, and is told twice of a message at the worst.
            }

            await Task.Delay(pause, cancellationToken);
        }
    }
}
