using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>
/// The number of partitions is part of every key. It is written down at the first start; a service with another number would not find
/// its records, so it refuses to work.
/// </summary>
internal sealed partial class InstallationCheck(
    IConnectionMultiplexer connection,
    RedisPrefix prefix,
    IOptions<RedisStoreOptions> options,
    IHostApplicationLifetime lifetime,
    ILogger<InstallationCheck> logger
) : BackgroundService, IHealthCheck
{
    private static readonly RedisValue PartitionsField = "partitions";
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private volatile bool _agreed;

    /// <summary>Returns once the number of partitions is known to be the installation's.</summary>
    public Task EnsureAsync(CancellationToken cancellationToken) => _agreed ? Task.CompletedTask : AgreeAsync(cancellationToken);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await EnsureAsync(cancellationToken);
            var latency = await connection.GetDatabase().PingAsync().WaitAsync(cancellationToken);
            return HealthCheckResult.Healthy(string.Create(CultureInfo.InvariantCulture, $"{latency.TotalMilliseconds:0.0} ms"));
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or InvalidOperationException)
        {
            return HealthCheckResult.Unhealthy("Redis does not answer, or is not this installation's.", exception);
        }
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await AgreeAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            LogWaiting(exception.Message); // Redis may come up later; requests fail until then.
        }

        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!_agreed && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await AgreeAsync(stoppingToken);
            }
            catch (Exception exception) when (exception is RedisException or TimeoutException)
            {
                LogWaiting(exception.Message);
                await Task.Delay(Pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (InvalidOperationException exception)
            {
                LogRefused(exception);
                lifetime.StopApplication();
                return;
            }
        }
    }

    private async Task AgreeAsync(CancellationToken cancellationToken)
    {
        RedisKey key = prefix.Value + "installation";
        var wanted = options.Value.Partitions;
        var database = connection.GetDatabase();
        await database.HashSetAsync(key, PartitionsField, wanted, When.NotExists).WaitAsync(cancellationToken);
        var found = (int)await database.HashGetAsync(key, PartitionsField).WaitAsync(cancellationToken);
        if (found != wanted)
        {
            throw new InvalidOperationException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"This installation has {found} partitions and Redis:Partitions is {wanted}. The number is fixed at the first start: set it to {found}."
                )
            );
        }

        _agreed = true;
    }

    [LoggerMessage(100, LogLevel.Warning, "Waiting for Redis: {Reason}")]
    private partial void LogWaiting(string reason);

    [LoggerMessage(101, LogLevel.Critical, "The service stops")]
    private partial void LogRefused(Exception exception);
}
