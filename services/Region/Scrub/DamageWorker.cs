using Gallery.Region.Stores;

namespace Gallery.Region.Scrub;

/// <summary>Mends, one by one, the blocks that readers could not read.</summary>
internal sealed partial class DamageWorker(DamageQueue damage, StoreSet stores, ReplicaHealth health, ILogger<DamageWorker> logger)
    : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var (store, digest) = await damage.NextAsync(stoppingToken);
            try
            {
                await health.MendAsync(stores.Get(store), digest, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // Whoever reads it next reports it again.
                LogFailed(exception, $"{store}");
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "A damaged block of store {Store} could not be looked after")]
    private partial void LogFailed(Exception exception, string store);
}
