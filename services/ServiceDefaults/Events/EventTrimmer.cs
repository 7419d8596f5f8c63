using Gallery.ServiceDefaults.Redis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Events;

/// <summary>The services that consume this service's events. Nothing is trimmed before each of them has begun.</summary>
internal sealed record EventPublication(IReadOnlyList<string> Consumers);

/// <summary>Lets go of events that every consuming service has acknowledged.</summary>
internal sealed partial class EventTrimmer(
    EventPublication publication,
    RedisStore store,
    IOptions<EventOptions> options,
    EventMetrics metrics,
    ILogger<EventTrimmer> logger
) : BackgroundService
{
    /// <summary>Trims the streams of all partitions once, and tells how many events went.</summary>
    public async Task<long> TrimAsync()
    {
        RedisValue[] arguments =
        [
            (long)options.Value.UnreadRetention.TotalMilliseconds,
            .. publication.Consumers.Select(name => (RedisValue)name),
        ];
        var trimmed = 0L;
        foreach (var partition in store.Partitions)
        {
            trimmed += (long)await store.Database.ScriptEvaluateAsync(RedisScripts.Trim, [partition.Events], arguments);
        }

        metrics.Trimmed(trimmed);
        return trimmed;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.TrimInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await TrimAsync();
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                LogFailed(exception);
            }
        }
    }

    [LoggerMessage(230, LogLevel.Warning, "Trimming the event streams failed; the next round makes up for it")]
    private partial void LogFailed(Exception exception);
}
