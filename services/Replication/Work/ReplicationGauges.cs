using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Gallery.Replication.Placement;
using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Redis;
using StackExchange.Redis;

namespace Gallery.Replication.Work;

/// <summary>
/// Looks from time to time how much work waits, for how long, and how loaded the replicas are, for the metrics: reading them must not wait
/// for the store.
/// </summary>
internal sealed class ReplicationGauges : BackgroundService
{
    private const int MostPlacements = 200;
    private const int MostQueues = 1000;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private readonly RedisStore _redis;
    private readonly RegionRegistry _regions;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<(string Region, Lane Lane), (long Depth, double OldestSeconds)> _queues = new();
    private readonly ConcurrentDictionary<string, double> _leased = new();

    /// <summary>Makes the gauges.</summary>
    public ReplicationGauges(RedisStore redis, RegionRegistry regions, ReplicationTelemetry telemetry, TimeProvider clock)
    {
        (_redis, _regions, _clock) = (redis, regions, clock);
        telemetry.Meter.CreateObservableGauge(
            "gallery.replication.queue.depth",
            () => Queues(queue => queue.Depth),
            "{replica}",
            "Replicas with work, by region and lane."
        );
        telemetry.Meter.CreateObservableGauge(
            "gallery.replication.queue.age",
            () => Queues(queue => queue.OldestSeconds),
            "s",
            "How long the longest overdue work has been due."
        );
        telemetry.Meter.CreateObservableGauge(
            "gallery.placement.leased",
            () => _leased.Select(region => new Measurement<double>(region.Value, Tag("region", region.Key))),
            "{machine}",
            "Machines that hold a lease."
        );
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var region in _regions.All)
                {
                    _queues[(region.Name, Lane.Copy)] = await LookAsync(Lane.Copy, region.Name);
                    _queues[(region.Name, Lane.Free)] = await LookAsync(Lane.Free, region.Name);
                }

                await LookAtLeasesAsync();
            }
            catch (Exception exception) when (RedisErrors.Is(exception))
            {
                // The gauges keep their last values; the health check tells that the store is away.
            }

            await Task.Delay(Interval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<(long Depth, double OldestSeconds)> LookAsync(Lane lane, string region)
    {
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        var (depth, oldest) = (0L, (double)now);
        foreach (var partition in _redis.Partitions)
        {
            var queues = await _redis.Database.SortedSetRangeByRankAsync(VersionKeys.Queues(partition, lane, region), 0, MostQueues - 1);
            var looks = queues
                .Select(name => VersionKeys.Queue(partition, lane, region, name.ToString()))
                .Select(async key =>
                    (
                        Depth: await _redis.Database.SortedSetLengthAsync(key),
                        First: await _redis.Database.SortedSetRangeByRankWithScoresAsync(key, 0, 0)
                    )
                );
            foreach (var look in await Task.WhenAll(looks))
            {
                depth += look.Depth;
                oldest = look.First is [{ Score: > 0 } first] ? Math.Min(oldest, first.Score) : oldest;
            }
        }

        return (depth, Math.Max(0, now - oldest) / 1000);
    }

    private async Task LookAtLeasesAsync()
    {
        var leased = _regions.All.ToDictionary(region => region.Name, _ => 0.0);
        foreach (var partition in _redis.Partitions)
        {
            foreach (var entry in await _redis.Database.SortedSetRangeByRankAsync(LeaseStore.Leasing(partition), 0, MostPlacements - 1))
            {
                if (LeaseStore.ParseLeasing(entry.ToString()) is var (version, region))
                {
                    var loads = await _redis.Database.SortedSetRangeByRankWithScoresAsync(VersionKeys.Serving(partition, version, region));
                    leased[region] = leased.GetValueOrDefault(region) + loads.Sum(load => load.Score);
                }
            }
        }

        foreach (var (region, machines) in leased)
        {
            _leased[region] = machines;
        }
    }

    private IEnumerable<Measurement<double>> Queues(Func<(long Depth, double OldestSeconds), double> value) =>
        _queues.Select(queue => new Measurement<double>(
            value(queue.Value),
            Tag("region", queue.Key.Region),
            Tag("lane", queue.Key.Lane.ToString().ToLowerInvariant())
        ));

    private static KeyValuePair<string, object?> Tag(string key, string value) => new("gallery." + key, value);
}
