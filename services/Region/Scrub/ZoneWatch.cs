using System.Threading.Channels;
using Gallery.Region.Node;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Scrub;

/// <summary>
/// Looks at the zones again and again. A zone that can't be used is left alone, and the others serve what they have; when it is back, it is
/// given what it missed: first the records, then the blocks.
/// </summary>
internal sealed partial class ZoneWatch(
    StoreSet stores,
    StoreLoader loader,
    ReplicaRegistry replicas,
    ReplicaHealth health,
    ZoneHealer healer,
    StoreCollector collector,
    IOptions<RegionOptions> options,
    ILogger<ZoneWatch> logger
) : BackgroundService
{
    private readonly Dictionary<int, string> _failures = [];
    private readonly Channel<(RegionStore Store, bool IsBack)> _waiting = Channel.CreateUnbounded<(RegionStore, bool)>();

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(WatchAsync(stoppingToken), CareAsync(stoppingToken));

    private async Task WatchAsync(CancellationToken stoppingToken)
    {
        TellChanges();
        using var timer = new PeriodicTimer(options.Value.ZoneCheckInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var store in await stores.CheckZonesAsync())
            {
                _waiting.Writer.TryWrite((store, true));
            }

            if (_waiting.Reader.Count == 0)
            {
                foreach (var store in loader.Failed)
                {
                    _waiting.Writer.TryWrite((store, false));
                }
            }

            TellChanges();
        }
    }

    private async Task CareAsync(CancellationToken stoppingToken)
    {
        // A zone may have been away while the node was stopped, or a crash may have cost blocks that nobody knows of yet.
        foreach (var store in stores.Stores.ToList())
        {
            await TryAsync(store, HealAsync, stoppingToken);
        }

        await foreach (var (store, isBack) in _waiting.Reader.ReadAllAsync(stoppingToken))
        {
            var isRead = false;
            await TryAsync(store, async (_, token) => isRead = await loader.TryLoadAsync(store, token), stoppingToken);
            if (isRead || isBack)
            {
                await TryAsync(store, HealAsync, stoppingToken);
            }
        }
    }

    private async Task HealAsync(RegionStore store, CancellationToken cancellationToken)
    {
        await healer.HealAsync(store, cancellationToken);
        collector.Request(store.Name);
        await health.CensusAsync(store, cancellationToken);
    }

    private async Task TryAsync(RegionStore store, Func<RegionStore, CancellationToken, Task> act, CancellationToken cancellationToken)
    {
        try
        {
            await act(store, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The zone may be gone again. Whatever it is, it must not end the watch.
            LogFailed(exception, $"{store.Name}");
        }
    }

    private void TellChanges()
    {
        var changed = false;
        for (var zone = 1; zone <= stores.ZoneCount; zone++)
        {
            var failure = stores.StateOf(zone).Failure;
            if (_failures.GetValueOrDefault(zone, "") == failure)
            {
                continue;
            }

            _failures[zone] = failure;
            changed = true;
            if (failure.Length > 0)
            {
                LogAway(zone, failure);
            }
            else
            {
                LogBack(zone);
            }
        }

        if (changed)
        {
            replicas.Touch();
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Zone {Zone} is out of service: {Reason}")]
    private partial void LogAway(int zone, string reason);

    [LoggerMessage(2, LogLevel.Information, "Zone {Zone} is back")]
    private partial void LogBack(int zone);

    [LoggerMessage(3, LogLevel.Warning, "Store {Store} could not be brought in line with its zones")]
    private partial void LogFailed(Exception exception, string store);
}
