using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Redis;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Snapshots;

/// <summary>Has the imports that are due looked at, those of each region by themselves.</summary>
internal sealed partial class ImportWorker(
    RedisStore redis,
    SnapshotStore store,
    ImportFollower follower,
    RegionRegistry regions,
    IOptions<SnapshotOptions> options,
    ILogger<ImportWorker> logger
) : BackgroundService
{
    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(regions.All.Select(region => ServeAsync(region.Name, stoppingToken)));

    private async Task ServeAsync(string region, CancellationToken stoppingToken)
    {
        // One that takes long, as the commit of a large disk does, keeps none of the others waiting.
        var looking = new Dictionary<string, Task>();
        while (!stoppingToken.IsCancellationRequested)
        {
            foreach (var (key, _) in looking.Where(look => look.Value.IsCompleted).ToArray())
            {
                looking.Remove(key);
            }

            try
            {
                await BeginDueAsync(region, looking, stoppingToken);
            }
            catch (Exception exception) when (RedisErrors.Is(exception))
            {
                LogStoreAway(exception.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }

            await Task.Delay(options.Value.SweepInterval / 4, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(looking.Values);
    }

    private async Task BeginDueAsync(string region, Dictionary<string, Task> looking, CancellationToken stoppingToken)
    {
        var most = options.Value.ImportsAtOnce;
        foreach (var partition in redis.Partitions)
        {
            foreach (var name in await store.DueImportsAsync(partition, region, most + looking.Count, stoppingToken))
            {
                if (looking.Count < most && !looking.ContainsKey(name.Key))
                {
                    looking.Add(name.Key, GuardAsync(() => follower.LookAsync(name, region, stoppingToken), stoppingToken));
                }
            }
        }
    }

    private async Task GuardAsync(Func<Task> look, CancellationToken stoppingToken)
    {
        try
        {
            await look();
        }
        catch (Exception exception) when (RedisErrors.Is(exception))
        {
            LogStoreAway(exception.Message);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The next instance goes on.
        }
    }

    [LoggerMessage(3422, LogLevel.Warning, "Imports could not be looked at: {Reason}")]
    private partial void LogStoreAway(string reason);
}
