using System.Diagnostics;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Audit;

/// <summary>
/// Compares what counts as ready with what the nodes have. A node tells by a number in its heartbeats that it has news: a replica was found
/// damaged or lost, or was checked again. What is damaged goes back to the queue and is repaired like a copy that was never complete. One
/// process does it for all.
/// </summary>
internal sealed partial class ReplicaAuditor(
    RedisStore redis,
    RegionRegistry regions,
    RegionNodes nodes,
    RegionHealthStore health,
    VersionStore versions,
    BlockedWork blocked,
    IOptions<AuditOptions> options,
    TimeProvider clock,
    ILogger<ReplicaAuditor> logger
) : BackgroundService
{
    private const int PageSize = 1000;
    private const int Parallelism = 8;

    private readonly string _holder = Guid.NewGuid().ToString("N");
    private readonly Dictionary<string, (long Revision, long Time)> _audited = [];

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            // The wait follows the system's clock, whatever clock the rules use.
            await Task.Delay(options.Value.Interval, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                var key = redis.Partitions[0].Key("audit");
                var lease = (5 * options.Value.Interval) + TimeSpan.FromSeconds(10);
                if (await redis.Database.LockExtendAsync(key, _holder, lease) || await redis.Database.LockTakeAsync(key, _holder, lease))
                {
                    await AuditAsync(stoppingToken);
                }
                else
                {
                    _audited.Clear();
                }
            }
            catch (Exception exception) when (exception is RpcException || RedisErrors.Is(exception))
            {
                LogInterrupted(exception.Message);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task AuditAsync(CancellationToken cancellationToken)
    {
        var all = await health.ReadAllAsync(cancellationToken);
        foreach (var region in regions.All.Select(region => region.Name))
        {
            var revision = all[region].Record.ReplicaRevision;
            if (!all[region].Answers || revision == 0)
            {
                continue;
            }

            var known = _audited.TryGetValue(region, out var last);
            if (known && last.Revision == revision && Stopwatch.GetElapsedTime(last.Time) < options.Value.FullInterval)
            {
                continue;
            }

            try
            {
                await AuditAsync(region, cancellationToken);
                _audited[region] = (revision, Stopwatch.GetTimestamp());
                // A zone may be back that something waits for.
                await blocked.WakeAsync(region, cancellationToken);
            }
            catch (RpcException exception)
            {
                // Its turn comes again; a region that does not answer holds up no other.
                LogRegionInterrupted(region, exception.Status.Detail);
            }
        }
    }

    private async Task AuditAsync(string region, CancellationToken cancellationToken)
    {
        var found = await ListAsync(region, cancellationToken);
        foreach (var partition in redis.Partitions)
        {
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
            var names = redis.Database.SortedSetScanAsync(VersionKeys.All(partition), pageSize: PageSize);
            await Parallel.ForEachAsync(
                names,
                parallel,
                async (name, token) =>
                {
                    if (ResourceName.TryParse(name.Element.ToString(), ResourceKind.ImageVersion, out var version))
                    {
                        await AuditAsync(version, region, found, token);
                    }
                }
            );
        }
    }

    private async Task AuditAsync(
        ResourceName version,
        string region,
        Dictionary<string, NodeReplica> found,
        CancellationToken cancellationToken
    )
    {
        if (await versions.ReadAsync(version, cancellationToken) is not { } document)
        {
            return;
        }

        foreach (var replica in document.Replicas.Values.Where(replica => replica.Region == region && replica.State == ReplicaState.Ready))
        {
            if (AuditRules.Compare(document, replica.Uid, found.GetValueOrDefault(replica.Uid), clock.GetUtcNow()) is not null)
            {
                await ApplyAsync(version, replica, cancellationToken);
            }
        }
    }

    /// <summary>Asks again about this one: the list may be older than the document.</summary>
    private async Task ApplyAsync(ResourceName version, ReplicaRecord replica, CancellationToken cancellationToken)
    {
        var told = await GetAsync(replica, cancellationToken);
        var after = await versions.ChangeAsync(
            version,
            document => AuditRules.Compare(document, replica.Uid, told, clock.GetUtcNow()),
            cancellationToken
        );
        if (after?.Replicas.GetValueOrDefault(replica.Uid) is { State: ReplicaState.Queued } queued)
        {
            LogRepair(replica.Uid, queued.Problem);
        }
    }

    private async Task<NodeReplica?> GetAsync(ReplicaRecord replica, CancellationToken cancellationToken)
    {
        try
        {
            var node = nodes[replica.Region];
            return (
                await node.Pipeline.ExecuteAsync(
                    async token =>
                        await node.Replicas.GetReplicaAsync(new GetReplicaRequest { ReplicaId = replica.Uid }, cancellationToken: token),
                    cancellationToken
                )
            ).Replica;
        }
        catch (RpcException exception)
            when (ServiceDefaults.Errors.GalleryError.ReasonOf(exception) == Contracts.Common.V1.ErrorReason.ResourceNotFound)
        {
            return null;
        }
    }

    private async Task<Dictionary<string, NodeReplica>> ListAsync(string region, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, NodeReplica>(StringComparer.Ordinal);
        var request = new ListReplicasRequest { PageSize = PageSize };
        do
        {
            var node = nodes[region];
            var page = await node.Pipeline.ExecuteAsync(
                async token => await node.Replicas.ListReplicasAsync(request, cancellationToken: token),
                cancellationToken
            );
            foreach (var replica in page.Replicas)
            {
                found[replica.ReplicaId] = replica;
            }

            request.PageToken = page.NextPageToken;
        } while (request.PageToken.Length > 0);

        return found;
    }

    [LoggerMessage(3700, LogLevel.Warning, "Replica {Replica} is to be repaired: {Problem}")]
    private partial void LogRepair(string replica, string problem);

    [LoggerMessage(3701, LogLevel.Warning, "The audit of replicas was interrupted: {Reason}")]
    private partial void LogInterrupted(string reason);

    [LoggerMessage(3702, LogLevel.Warning, "The audit of the replicas of region {Region} was interrupted: {Reason}")]
    private partial void LogRegionInterrupted(string region, string reason);
}
