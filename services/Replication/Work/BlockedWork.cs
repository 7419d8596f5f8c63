using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Redis;

namespace Gallery.Replication.Work;

/// <summary>Wakes the work that waits for a region.</summary>
internal sealed partial class BlockedWork(RedisStore redis, VersionStore versions, TimeProvider clock, ILogger<BlockedWork> logger)
{
    private const int MostAtOnce = 10_000;

    /// <summary>Makes everything that waits for the region due at once.</summary>
    public async Task WakeAsync(string region, CancellationToken cancellationToken)
    {
        foreach (var partition in redis.Partitions)
        {
            var key = VersionKeys.Blocked(partition, region);
            var members = await redis.Database.SortedSetRangeByRankAsync(key, 0, MostAtOnce - 1).WaitAsync(cancellationToken);
            foreach (var group in members.GroupBy(member => VersionKeys.ParseMember(member.ToString())?.Version))
            {
                var woken = group.Key is null
                    ? null
                    : await versions.ChangeAsync(
                        group.Key,
                        document => WorkRules.Wake(document, region, clock.GetUtcNow()),
                        cancellationToken
                    );
                if (woken is null)
                {
                    // Left behind by replicas that are gone.
                    await redis.Database.SortedSetRemoveAsync(key, [.. group]).WaitAsync(cancellationToken);
                }
                else
                {
                    LogWoken(group.Key!.Value, region);
                }
            }
        }
    }

    [LoggerMessage(3300, LogLevel.Information, "{Version} goes on: region {Region} is back")]
    private partial void LogWoken(string version, string region);
}
