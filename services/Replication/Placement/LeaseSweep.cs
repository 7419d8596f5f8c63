using Gallery.ServiceDefaults.Redis;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Placement;

/// <summary>
/// Lets leases that have expired go. Placing does so too, for the replicas it looks at; this is for those that nobody places on.
/// </summary>
internal sealed partial class LeaseSweep(
    RedisStore redis,
    LeaseStore leases,
    IOptions<PlacementOptions> options,
    TimeProvider clock,
    ILogger<LeaseSweep> logger
) : BackgroundService
{
    private const int Batch = 1_000;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var partition in redis.Partitions)
                {
                    await SweepAsync(partition, stoppingToken);
                }
            }
            catch (Exception exception) when (RedisErrors.Is(exception))
            {
                LogFailed(exception.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(options.Value.SweepInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SweepAsync(Partition partition, CancellationToken stoppingToken)
    {
        var key = LeaseStore.Leasing(partition);
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var entry in await redis.Database.SortedSetRangeByScoreAsync(key, stop: now, take: Batch).WaitAsync(stoppingToken))
        {
            if (LeaseStore.ParseLeasing(entry.ToString()) is var (version, region))
            {
                await leases.LoadsAsync(version, region, stoppingToken);
            }
            else
            {
                await redis.Database.SortedSetRemoveAsync(key, entry).WaitAsync(stoppingToken);
            }
        }
    }

    [LoggerMessage(3600, LogLevel.Warning, "Leases could not be looked through: {Reason}")]
    private partial void LogFailed(string reason);
}
