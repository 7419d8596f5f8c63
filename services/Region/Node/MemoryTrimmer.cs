using Gallery.Region.Blocks;

namespace Gallery.Region.Node;

/// <summary>
/// Gives memory back some time after a transfer: the runtime keeps what it once had until it needs to collect again, and an idle node allocates
/// nothing that would make it. Many nodes may share a machine.
/// </summary>
internal sealed class MemoryTrimmer(BlockBatchPool pool) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        var (trimmed, seen) = (0L, 0L);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var rentals = pool.Rentals;
            if (rentals == seen && rentals != trimmed && pool.Rented == 0)
            {
                trimmed = rentals;
                pool.Trim();
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }

            seen = rentals;
        }
    }
}
