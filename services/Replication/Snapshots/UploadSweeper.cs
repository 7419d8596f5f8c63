using Gallery.Contracts.Region.V1;
using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Snapshots;

/// <summary>
/// Drops uploads that nobody committed in time, and frees the bytes of dropped ones on their nodes, however long a region is away. Each
/// region is served by itself.
/// </summary>
internal sealed partial class UploadSweeper(
    RedisStore redis,
    SnapshotStore store,
    RegionRegistry regions,
    RegionNodes nodes,
    IOptions<SnapshotOptions> options,
    TimeProvider clock,
    ILogger<UploadSweeper> logger
) : BackgroundService
{
    private const int Batch = 100;

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(
            regions
                .All.Select(region => RepeatAsync(() => FreeAsync(region.Name, stoppingToken), stoppingToken))
                .Append(RepeatAsync(() => ExpireAsync(stoppingToken), stoppingToken))
        );

    private async Task RepeatAsync(Func<Task> sweep, CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await sweep();
            }
            catch (Exception exception) when (RedisErrors.Is(exception))
            {
                LogFailed(exception.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(options.Value.SweepInterval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ExpireAsync(CancellationToken stoppingToken)
    {
        foreach (var partition in redis.Partitions)
        {
            foreach (var member in await DueAsync(SnapshotStore.Expiring(partition), stoppingToken))
            {
                if (
                    ResourceName.TryParse(member.ToString(), ResourceKind.Snapshot, out var name)
                    && await store.ReadAsync(name, stoppingToken) is { State: V1.SnapshotState.Uploading } snapshot
                    && snapshot.ExpireTime.ToDateTimeOffset() <= clock.GetUtcNow()
                    && await store.TryDropAsync(name, snapshot, stoppingToken)
                )
                {
                    LogExpired(name.Value);
                }
            }
        }
    }

    private async Task FreeAsync(string region, CancellationToken stoppingToken)
    {
        foreach (var partition in redis.Partitions)
        {
            var key = SnapshotStore.Releases(partition, region);
            foreach (var upload in await DueAsync(key, stoppingToken))
            {
                try
                {
                    await nodes[region]
                        .Pipeline.ExecuteAsync(
                            async token =>
                                await nodes[region]
                                    .Uploads.DeleteUploadAsync(
                                        new DeleteUploadRequest { UploadId = upload.ToString() },
                                        cancellationToken: token
                                    ),
                            stoppingToken
                        );
                    await redis.Database.SortedSetRemoveAsync(key, upload).WaitAsync(stoppingToken);
                }
                catch (Exception exception) when (NodeErrors.IsSilence(exception) || exception is RpcException)
                {
                    stoppingToken.ThrowIfCancellationRequested();
                    LogNotFreed(upload.ToString(), region, NodeErrors.Describe(exception));
                    var next = (clock.GetUtcNow() + options.Value.ReleaseRetryDelay).ToUnixTimeMilliseconds();
                    await redis.Database.SortedSetAddAsync(key, upload, next, When.Exists).WaitAsync(stoppingToken);
                    if (NodeErrors.IsSilence(exception))
                    {
                        return; // The others of this region would only wait as well.
                    }
                }
            }
        }
    }

    private Task<RedisValue[]> DueAsync(RedisKey key, CancellationToken stoppingToken) =>
        redis
            .Database.SortedSetRangeByScoreAsync(key, stop: clock.GetUtcNow().ToUnixTimeMilliseconds(), take: Batch)
            .WaitAsync(stoppingToken);

    [LoggerMessage(3410, LogLevel.Information, "The upload of snapshot {Snapshot} was not committed in time and is dropped")]
    private partial void LogExpired(string snapshot);

    [LoggerMessage(3411, LogLevel.Warning, "The upload {Upload} in {Region} is not freed yet: {Reason}")]
    private partial void LogNotFreed(string upload, string region, string reason);

    [LoggerMessage(3412, LogLevel.Warning, "Uploads could not be looked through: {Reason}")]
    private partial void LogFailed(string reason);
}
