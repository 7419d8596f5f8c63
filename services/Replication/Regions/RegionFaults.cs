using Gallery.ServiceDefaults.Redis;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.Replication.Regions;

/// <summary>Copies that failed lately because of a region.</summary>
/// <param name="Count">How many, up to a bound.</param>
/// <param name="Last">What the last one failed of; empty when there is none.</param>
internal readonly record struct RecentFaults(int Count, string Last)
{
    /// <summary>There are none.</summary>
    public static readonly RecentFaults None = new(0, "");
}

/// <summary>
/// Remembers for a while what went wrong with bytes from a region or into it: a node may answer heartbeats and yet give nothing. Kept in Redis,
/// because whoever copies and whoever watches may be different processes.
/// </summary>
internal sealed class RegionFaults(RedisStore redis, IOptions<RegionMonitorOptions> options, TimeProvider clock)
{
    private const int MostKept = 100;
    private const int LongestReason = 300;

    /// <summary>A copy failed because of a region.</summary>
    public async Task RecordAsync(string region, string reason, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var window = options.Value.FaultWindow;
        var key = KeyOf(region);
        var member = $"{Guid.NewGuid():N}|{(reason.Length <= LongestReason ? reason : reason[..LongestReason])}";
        var step = redis.Database.CreateTransaction();
        _ = step.SortedSetAddAsync(key, member, now.ToUnixTimeMilliseconds());
        _ = step.SortedSetRemoveRangeByScoreAsync(key, double.NegativeInfinity, (now - window).ToUnixTimeMilliseconds());
        _ = step.SortedSetRemoveRangeByRankAsync(key, 0, -MostKept - 1);
        _ = step.KeyExpireAsync(key, 2 * window);
        await step.ExecuteAsync().WaitAsync(cancellationToken);
    }

    /// <summary>What failed lately.</summary>
    public async Task<RecentFaults> ReadAsync(string region, CancellationToken cancellationToken)
    {
        var since = (clock.GetUtcNow() - options.Value.FaultWindow).ToUnixTimeMilliseconds();
        var found = await redis
            .Database.SortedSetRangeByScoreAsync(KeyOf(region), since, order: Order.Descending, take: MostKept)
            .WaitAsync(cancellationToken);
        if (found.Length == 0)
        {
            return RecentFaults.None;
        }

        var last = found[0].ToString();
        return new RecentFaults(found.Length, last[(last.IndexOf('|', StringComparison.Ordinal) + 1)..]);
    }

    private RedisKey KeyOf(string region) => redis.Partitions[0].Key("region-faults", region);
}
