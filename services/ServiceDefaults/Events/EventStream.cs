using Gallery.ServiceDefaults.Redis;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Events;

/// <summary>One stream as one consumer of a group reads it.</summary>
internal sealed class EventStream(IDatabase database, RedisKey key, string group, string consumer, bool isRedrive)
{
    private const int PendingPage = 100;
    private const int ForgetConsumersAfterMilliseconds = 3_600_000;

    public RedisKey Key => key;

    /// <summary>Whether the stream is the consumer's own: entries are deleted when they are done.</summary>
    public bool IsRedrive => isRedrive;

    /// <summary>Makes the group if it is missing. It begins with the oldest event there is.</summary>
    public async Task EnsureGroupAsync()
    {
        try
        {
            await database.StreamCreateConsumerGroupAsync(key, group, StreamPosition.Beginning, createStream: true);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("BUSYGROUP", StringComparison.Ordinal))
        {
            // It exists.
        }
    }

    /// <summary>Takes events that no consumer of the group has seen.</summary>
    public Task<StreamEntry[]> ReadNewAsync(int count) =>
        database.StreamReadGroupAsync(key, group, consumer, StreamPosition.NewMessages, count);

    /// <summary>All deliveries that are not acknowledged, of all consumers, oldest event first.</summary>
    public async IAsyncEnumerable<StreamPendingMessageInfo> PendingAsync()
    {
        RedisValue from = "-";
        while (true)
        {
            var page = await database.StreamPendingMessagesAsync(key, group, PendingPage, RedisValue.Null, from, "+");
            foreach (var pending in page)
            {
                yield return pending;
            }

            if (page.Length < PendingPage)
            {
                yield break;
            }

            from = $"({page[^1].MessageId}";
        }
    }

    /// <summary>
    /// Takes over a delivery that has been idle for so long; null when another consumer was faster, or the event is gone.
    /// </summary>
    public async Task<StreamEntry?> ClaimAsync(RedisValue id, TimeSpan idle)
    {
        var claimed = await database.StreamClaimAsync(key, group, consumer, (long)idle.TotalMilliseconds, [id]);
        return claimed.Length == 1 && !claimed[0].IsNull ? claimed[0] : null;
    }

    public async Task AcknowledgeAsync(RedisValue id)
    {
        await database.StreamAcknowledgeAsync(key, group, id);
        if (isRedrive)
        {
            await database.StreamDeleteAsync(key, [id]);
        }
    }

    /// <summary>Moves an event to the dead letters, unless it was acknowledged meanwhile.</summary>
    public async Task<bool> MoveToDeadLettersAsync(RedisKey deadLetters, RedisValue id, RedisValue payload, string reason, int deliveries)
    {
        var moved = await database.ScriptEvaluateAsync(
            RedisScripts.DeadLetter,
            [key, deadLetters],
            [group, id, payload, reason, deliveries, key.ToString(), isRedrive ? "1" : "0"]
        );
        return (bool)moved;
    }

    /// <summary>How many events the group has not seen, and how many it has not acknowledged.</summary>
    public async Task<(long Unseen, long Pending)> DepthAsync()
    {
        foreach (var info in await database.StreamGroupInfoAsync(key))
        {
            if (info.Name == group)
            {
                return (info.Lag ?? 0, info.PendingMessageCount);
            }
        }

        return (0, 0);
    }

    /// <summary>Removes consumers of processes that are long gone and hold nothing.</summary>
    public Task ForgetConsumersAsync() =>
        database.ScriptEvaluateAsync(RedisScripts.ForgetConsumers, [key], [group, ForgetConsumersAfterMilliseconds]);
}
