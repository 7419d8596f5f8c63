using Gallery.Region.Blocks;
using Gallery.Region.Serving;

namespace Gallery.Region.Node;

/// <summary>
/// Gives memory back some time after a transfer: the runtime keeps what it once had until it needs to collect again, and an idle node allocates
/// nothing that would make it. Many nodes may share a machine.
/// </summary>
internal sealed class MemoryTrimmer(BlockBatchPool pool, BlockCache cache) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // Blocks that were read stay for those who come a little later; after this they would be read again.
    private const int IntervalsInCache = 24;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        var (trimmed, seen) = (0L, 0L);
        var (uses, idle) = (0L, 0);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            idle = cache.Uses == uses ? idle + 1 : 0;
            uses = cache.Uses;
            if (idle == IntervalsInCache)
            {
                cache.Trim();
                Collect();
            }

            var rentals = pool.Rentals;
            if (rentals == seen && rentals != trimmed && pool.Rented == 0)
            {
                trimmed = rentals;
                pool.Trim();
                Collect();
            }

            seen = rentals;
        }
    }

    private static void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
}
