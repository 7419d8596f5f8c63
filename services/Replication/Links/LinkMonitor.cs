using Gallery.Contracts.Region.V1;
using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Telemetry;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Links;

/// <summary>
/// Has every region's node measure the way from the others, again and again: only the nodes can, for bytes go between them and not by here. One
/// process asks for all; another one takes over when it is gone.
/// </summary>
internal sealed partial class LinkMonitor(
    RegionRegistry regions,
    RegionNodes nodes,
    RegionHealthStore health,
    LinkStore links,
    RegionGauges gauges,
    IOptions<LinkMonitorOptions> options,
    ILogger<LinkMonitor> logger
) : BackgroundService
{
    private readonly string _holder = Guid.NewGuid().ToString("N");

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(regions.All.Select(region => WatchAsync(region.Name, stoppingToken)));

    private async Task WatchAsync(string region, CancellationToken stoppingToken)
    {
        // Networks go by the system's clock, whatever clock the rules use. A region that is not known to answer yet is looked at again soon.
        var soon = options.Value.Interval < TimeSpan.FromSeconds(2) ? options.Value.Interval : TimeSpan.FromSeconds(2);
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = options.Value.Interval;
            try
            {
                var states = await health.ReadAllAsync(stoppingToken);
                if (states[region].Record.LastSeenTime is null || !states[region].Answers)
                {
                    pause = soon;
                }
                else if (await health.LeadAsync($"links-{region}", _holder, options.Value.Interval + options.Value.Timeout))
                {
                    await MeasureAsync(region, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is RpcException || RedisErrors.Is(exception))
            {
                LogNotMeasured(region, exception.Message);
            }

            await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task MeasureAsync(string region, CancellationToken stoppingToken)
    {
        var request = new MeasurePeersRequest();
        request.Peers.AddRange(
            regions.All.Where(other => other.Name != region).Select(other => new PeerNode { Region = other.Name, GrpcUrl = other.GrpcUrl })
        );
        if (request.Peers.Count == 0)
        {
            return;
        }

        using var untraced = Untraced.Begin();
        var answer = await nodes[region]
            .Health.MeasurePeersAsync(request, deadline: DateTime.UtcNow + options.Value.Timeout, cancellationToken: stoppingToken);
        await links.MergeAsync(region, [.. answer.Links.Where(link => regions.Contains(link.Region))], stoppingToken);
        gauges.Seen(region, await links.EstimateAsync(region, stoppingToken));
    }

    [LoggerMessage(3210, LogLevel.Debug, "The ways to region {Region} could not be measured: {Reason}")]
    private partial void LogNotMeasured(string region, string reason);
}
