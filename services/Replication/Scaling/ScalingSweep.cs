using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Scaling;

/// <summary>Looks again and again at the load of every version that scales.</summary>
internal sealed partial class ScalingSweep(
    RedisStore redis,
    ReplicaScaler scaler,
    IOptions<ScalingOptions> options,
    ILogger<ScalingSweep> logger
) : BackgroundService
{
    private const int PageSize = 200;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var partition in redis.Partitions)
                {
                    await SweepAsync(partition, stoppingToken);
                }
            }
            catch (Exception exception) when (exception is RpcException || RedisErrors.Is(exception))
            {
                LogFailed(exception.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(options.Value.Interval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SweepAsync(Partition partition, CancellationToken cancellationToken)
    {
        var token = "";
        do
        {
            var page = await redis.ReadIndexAsync(
                VersionKeys.Scaled(partition),
                PageRequest.From(PageSize, token, "scaled"),
                cancellationToken
            );
            foreach (var member in page.Members)
            {
                if (VersionKeys.ParseMember(member) is var (version, region))
                {
                    await scaler.AdjustAsync(version, region, cancellationToken);
                }
            }

            token = page.NextPageToken;
        } while (token.Length > 0);
    }

    [LoggerMessage(3701, LogLevel.Warning, "The load of replicas could not be looked at: {Reason}")]
    private partial void LogFailed(string reason);
}
