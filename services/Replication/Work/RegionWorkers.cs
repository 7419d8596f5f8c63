using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Work;

/// <summary>
/// The workers: for each region a few that copy and a few that free. Regions share nothing here but a bound on all copies together, of which
/// each has one of its own, so a slow or dead one keeps only its own workers busy.
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
    private readonly SemaphoreSlim _total = new(options.Value.CopiesInTotal, options.Value.CopiesInTotal);

    /// <inheritdoc />
    public override void Dispose()
    {
        _total.Dispose();
        base.Dispose();
    }

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
        int most,
        Func<ClaimedReplica, CancellationToken, Task> work,
        CancellationToken stoppingToken
    )
    {
        using var waiter = signals.OfRegion(region);
        using var crew = new Crew(most, options.Value.LargeCopiesPerRegion, lane == Lane.Copy ? _total : null);
        var next = new RegionQueue(queue, lane, region, most, options.Value.RankHandicap, options.Value.PollInterval);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await crew.WaitAsync(stoppingToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            if (await NextAsync(next, region, crew.OnlySmall, stoppingToken) is { } candidate)
            {
                _ = WorkAsync(lane, region, next, candidate, work, crew, waiter, stoppingToken);
                continue;
            }

            crew.Release();
            await waiter.WaitAsync(options.Value.PollInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // Nothing is claimed any more; what runs gives its work back.
        await crew.WaitForAllAsync();
    }

    private async Task<Candidate?> NextAsync(RegionQueue next, string region, bool onlySmall, CancellationToken stoppingToken)
    {
        try
        {
            return await next.NextAsync(onlySmall, stoppingToken);
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

    private async Task WorkAsync(
        Lane lane,
        string region,
        RegionQueue next,
        Candidate candidate,
        Func<ClaimedReplica, CancellationToken, Task> work,
        Crew crew,
        ChangeSignals.Waiter waiter,
        CancellationToken stoppingToken
    )
    {
        var member = crew.Begin(candidate);
        var claimed = false;
        await Task.Yield();
        try
        {
            await member.WaitForTurnAsync(stoppingToken);
            if (await queue.TryClaimAsync(lane, region, candidate, stoppingToken) is { } replica)
            {
                claimed = true;
                await work(replica, stoppingToken);
            }
        }
        catch (Exception exception) when (RedisErrors.Is(exception) || exception is OperationCanceledException)
        {
            // The claim's lease ends by itself, and somebody goes on.
            LogQueueUnavailable(region, exception.Message);
        }
        catch (Exception exception)
        {
            // One entry that can't be read must not stop a region.
            LogDefect(region, exception);
        }
        finally
        {
            next.Done(candidate, claimed);
            member.Dispose();
            waiter.Wake(); // What was left because of this work may be taken now.
        }
    }

    [LoggerMessage(3330, LogLevel.Warning, "The queue of region {Region} can't be reached: {Reason}")]
    private partial void LogQueueUnavailable(string region, string reason);

    [LoggerMessage(3331, LogLevel.Error, "A worker of region {Region} failed")]
    private partial void LogDefect(string region, Exception exception);
}
