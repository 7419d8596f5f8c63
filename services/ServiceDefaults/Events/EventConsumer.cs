using Gallery.ServiceDefaults.Redis;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Events;

/// <summary>
/// Consumes the events of one producer: a loop a partition, woken by pub/sub and by a timer. No blocking reads, because the connection is
/// shared. The waits here are about the network and follow the system's clock, whatever clock the service's rules use.
/// </summary>
internal sealed class EventConsumer(
    EventSubscription subscription,
    RedisStore store,
    InstallationCheck installation,
    ServiceIdentity service,
    EventDispatcher dispatcher,
    IOptions<EventOptions> options,
    EventMetrics metrics,
    ILogger<EventConsumer> logger
) : BackgroundService
{
    private readonly string _consumer = $"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid():N}";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await WaitForInstallationAsync(stoppingToken);
        var partitions = store.Partitions.Select(NewPartition).ToArray();
        // A redrive wakes through the consumer's own channel. Until the wake-ups come the timer does the work.
        string[] prefixes = [.. new[] { subscription.ProducerPrefix, store.Prefix }.Distinct()];
        await Task.WhenAll([
            .. prefixes.Select(prefix => SubscribeAsync(prefix, partitions, stoppingToken)),
            .. partitions.Select(partition => partition.RunAsync(stoppingToken)),
        ]);
    }

    private EventPartition NewPartition(Partition own) =>
        new(
            subscription,
            own,
            [
                new EventStream(store.Database, own.Of(subscription.ProducerPrefix).Events, service.Name, _consumer, isRedrive: false),
                new EventStream(
                    store.Database,
                    EventSubscription.RedriveStream(own, subscription.ProducerPrefix),
                    service.Name,
                    _consumer,
                    isRedrive: true
                ),
            ],
            service.Name,
            _consumer,
            dispatcher,
            options.Value,
            metrics,
            logger
        );

    private async Task WaitForInstallationAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await installation.EnsureAsync(stoppingToken);
                return;
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                await Task.Delay(options.Value.PollInterval, stoppingToken);
            }
        }
    }

    private Task SubscribeAsync(string prefix, EventPartition[] partitions, CancellationToken stoppingToken) =>
        store.SubscribeAsync(
            EventChannels.ChannelOf(prefix),
            message =>
            {
                if (message.TryParse(out int number) && number >= 0 && number < partitions.Length)
                {
                    partitions[number].Wake();
                }
            },
            stoppingToken
        );
}
