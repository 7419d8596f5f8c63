using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Work;

/// <summary>
/// The workers: for each region a few that copy and a few that free. Regions share nothing here, so a slow or dead one keeps only its own
/// workers busy.
/// </summary>
internal sealed partial class RegionWorkers(
    RegionRegistry regions,
    WorkQueue queue,
    ReplicaCopier copier,
    ReplicaReleaser releaser,
    ChangeSignals signals,
    IOptions<WorkOptions> options,
    ILogger<RegionWorkers> logger
) : BackgroundService
{
    // Workers of several processes see the same entries; with a few more to choose from, each finds one that is left.
    private const int Lookahead = 4;

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(
            regions.All.SelectMany(region =>
                new[]
                {
                    ServeAsync(Lane.Copy, region.Name, options.Value.CopiesPerRegion, copier.RunAsync, stoppingToken),
                    ServeAsync(Lane.Free, region.Name, options.Value.ReleasesPerRegion, releaser.RunAsync, stoppingToken),
                }
            )
        );

    private async Task ServeAsync(
        Lane lane,
        string region,
        int workers,
        Func<ClaimedReplica, CancellationToken, Task> work,
        CancellationToken stoppingToken
    )
    {
        using var waiter = signals.OfRegion(region);
        using var free = new SemaphoreSlim(workers, workers);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await free.WaitAsync(stoppingToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            if (await NextAsync(lane, region, workers, stoppingToken) is { } claimed)
            {
                _ = WorkAsync(claimed, work, free, stoppingToken);
                continue;
            }

            free.Release();
            await waiter.WaitAsync(options.Value.PollInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // Nothing is claimed any more; what runs gives its work back.
        for (var worker = 0; worker < workers; worker++)
        {
            await free.WaitAsync(CancellationToken.None);
        }
    }

    private async Task<ClaimedReplica?> NextAsync(Lane lane, string region, int most, CancellationToken stoppingToken)
    {
        try
        {
            foreach (var member in await queue.DueAsync(lane, region, most * Lookahead, stoppingToken))
            {
                if (await TryClaimAsync(lane, region, member, stoppingToken) is { } claimed)
                {
                    return claimed;
                }
            }
        }
        catch (Exception exception) when (RedisErrors.Is(exception))
        {
            LogQueueUnavailable(region, exception.Message);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops.
        }

        return null;
    }

    private async Task<ClaimedReplica?> TryClaimAsync(Lane lane, string region, string member, CancellationToken stoppingToken)
    {
        try
        {
            return await queue.TryClaimAsync(lane, region, member, stoppingToken);
        }
        catch (Exception exception) when (!RedisErrors.Is(exception) && exception is not OperationCanceledException)
        {
            // One entry that can't be read must not stop a region.
            LogDefect(region, exception);
            return null;
        }
    }

    private async Task WorkAsync(
        ClaimedReplica claimed,
        Func<ClaimedReplica, CancellationToken, Task> work,
        SemaphoreSlim free,
        CancellationToken stoppingToken
    )
    {
        await Task.Yield();
        try
        {
            await work(claimed, stoppingToken);
        }
        catch (Exception exception) when (RedisErrors.Is(exception) || exception is OperationCanceledException)
        {
            // The claim's lease ends by itself, and somebody goes on.
            LogQueueUnavailable(claimed.Replica.Region, exception.Message);
        }
        catch (Exception exception)
        {
            LogDefect(claimed.Replica.Region, exception);
        }
        finally
        {
            free.Release();
        }
    }

    [LoggerMessage(3330, LogLevel.Warning, "The queue of region {Region} can't be reached: {Reason}")]
    private partial void LogQueueUnavailable(string region, string reason);

    [LoggerMessage(3331, LogLevel.Error, "A worker of region {Region} failed")]
    private partial void LogDefect(string region, Exception exception);
}
