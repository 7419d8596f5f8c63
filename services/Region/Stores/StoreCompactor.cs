using Gallery.Region.Blocks;
using Gallery.Region.Node;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Stores;

/// <summary>Rewrites the segments that collections left half-empty, store by store, at a bounded pace and beside everything else.</summary>
internal sealed partial class StoreCompactor(
    StoreSet stores,
    BlockBatchPool pool,
    RegionTelemetry telemetry,
    IOptions<RegionOptions> options,
    ILogger<StoreCompactor> logger
) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var pace = new BackgroundPace(options.Value.CompactionBytesPerSecond);
        using var timer = new PeriodicTimer(options.Value.CollectionInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var store in stores.Stores)
            {
                await CompactAsync(store, pace, stoppingToken);
            }
        }
    }

    private async Task CompactAsync(RegionStore store, BackgroundPace pace, CancellationToken cancellationToken)
    {
        try
        {
            var freed = await store.Blocks.CompactAsync(pool, pace.WaitAsync, cancellationToken);
            if (freed > 0)
            {
                telemetry.Compacted(freed);
                LogCompacted($"{store.Name}", freed);
            }
        }
        catch (Exception exception) when (exception is RegionException or IOException or UnauthorizedAccessException)
        {
            // Nothing is lost: the next collection finds the same segments again.
            LogFailed(exception, $"{store.Name}");
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Store {Store}: {FreedBytes} bytes given back by rewriting half-empty segments")]
    private partial void LogCompacted(string store, long freedBytes);

    [LoggerMessage(2, LogLevel.Warning, "Store {Store} could not be compacted")]
    private partial void LogFailed(Exception exception, string store);
}
