using System.Diagnostics;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Work;
using Gallery.ServiceDefaults.Telemetry;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Regions;

/// <summary>
/// Asks every region's node how it is, again and again, and wakes the work that waited for a region when it is back. One process asks for
/// all; another one takes over when it is gone.
/// </summary>
internal sealed partial class RegionMonitor(
    RegionRegistry regions,
    RegionNodes nodes,
    RegionHealthStore store,
    RegionFaults faults,
    RegionGauges gauges,
    BlockedWork blocked,
    IOptions<RegionMonitorOptions> options,
    TimeProvider clock,
    ILogger<RegionMonitor> logger
) : BackgroundService
{
    // An attempt that began before the region was back, or in use again, may end, and wait, shortly after it.
    private const int WakingHeartbeats = 5;

    private readonly string _holder = Guid.NewGuid().ToString("N");

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(regions.All.Select(region => WatchAsync(region.Name, stoppingToken)));

    private async Task WatchAsync(string region, CancellationToken stoppingToken)
    {
        var (waking, wasDrained) = (0, false);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await store.LeadAsync(region, _holder, (3 * options.Value.Heartbeat) + options.Value.Timeout))
                {
                    var (cameBack, isDrained) = await BeatAsync(region, stoppingToken);
                    waking = cameBack || (wasDrained && !isDrained) ? WakingHeartbeats : waking;
                    wasDrained = isDrained;
                    if (waking > 0)
                    {
                        waking--;
                        await blocked.WakeAsync(region, stoppingToken);
                    }
                }
            }
            catch (Exception exception) when (exception is RpcException || RedisErrors.Is(exception))
            {
                LogHeartbeatFailed(region, exception.Message);
            }

            // Heartbeats follow the system's clock, whatever clock the rules use.
            await Task.Delay(options.Value.Heartbeat, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Whether the region came back with this heartbeat, and whether it is out of use.</returns>
    private async Task<(bool CameBack, bool IsDrained)> BeatAsync(string region, CancellationToken stoppingToken)
    {
        var before = await store.ReadAsync(region, stoppingToken);
        var after = await AskAsync(region, before.Record, await faults.ReadAsync(region, stoppingToken), stoppingToken);
        gauges.Seen(before with { Record = after });
        if (!await store.TryWriteAsync(before, after, stoppingToken) || before.Record.State == after.State)
        {
            return (false, before.Drained);
        }

        LogState(region, after.State, after.Details);
        return (!before.Answers && after.State != RegionState.Down, before.Drained);
    }

    private async Task<RegionHealthRecord> AskAsync(
        string region,
        RegionHealthRecord before,
        RecentFaults recent,
        CancellationToken stoppingToken
    )
    {
        var start = Stopwatch.GetTimestamp();
        using var untraced = Untraced.Begin();
        try
        {
            var answer = await nodes[region]
                .Health.GetNodeAsync(
                    new GetNodeRequest(),
                    deadline: DateTime.UtcNow + options.Value.Timeout,
                    cancellationToken: stoppingToken
                );
            return HeartbeatRules.Answered(
                before,
                region,
                answer.Node ?? new Node(),
                Stopwatch.GetElapsedTime(start),
                recent,
                options.Value,
                clock.GetUtcNow()
            );
        }
        catch (RpcException error) when (!stoppingToken.IsCancellationRequested)
        {
            var why = NodeErrors.IsSilence(error) ? NodeErrors.Describe(error) : $"it answers {error.StatusCode}";
            return HeartbeatRules.Missed(before, why, options.Value.MissedLimit, clock.GetUtcNow());
        }
    }

    [LoggerMessage(3200, LogLevel.Information, "Region {Region} is {State} {Details}")]
    private partial void LogState(string region, RegionState state, string details);

    [LoggerMessage(3201, LogLevel.Warning, "The heartbeat of region {Region} could not be recorded: {Reason}")]
    private partial void LogHeartbeatFailed(string region, string reason);
}
