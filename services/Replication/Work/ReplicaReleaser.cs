using Gallery.Contracts.Region.V1;
using Gallery.Replication.Regions;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Work;

/// <summary>Frees the bytes of one replica that is out of service. Nobody waits for it, and nothing is billed meanwhile.</summary>
internal sealed partial class ReplicaReleaser(
    WorkQueue queue,
    RegionNodes nodes,
    ReplicationTelemetry telemetry,
    IOptions<WorkOptions> options,
    ILogger<ReplicaReleaser> logger
)
{
    /// <summary>Does the work. Whatever happens, the bytes are freed, or it is tried again later.</summary>
    public async Task RunAsync(ClaimedReplica work, CancellationToken stopping)
    {
        using var activity = telemetry.StartWork("free replica", work);
        var region = work.Replica.Region;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        // Another one may begin when the lease ends; to free twice does no harm, but need not be.
        limit.CancelAfter(options.Value.ClaimLease);
        try
        {
            await nodes[region]
                .Pipeline.ExecuteAsync(
                    async token =>
                        await nodes[region]
                            .Replicas.DeleteReplicaAsync(
                                new DeleteReplicaRequest { ReplicaId = work.Uid, FencingToken = work.Token },
                                cancellationToken: token
                            ),
                    limit.Token
                );
        }
        catch (Exception exception) when (!stopping.IsCancellationRequested)
        {
            var failure =
                exception is OperationCanceledException
                    ? new WorkFailure($"{region} does not answer (no answer in time)", region)
                    : NodeFailures.Of(region, exception);
            LogFailed(work.Uid, failure.Problem);
            await queue.FailAsync(work, failure, stopping);
            return;
        }

        await queue.FreedAsync(work, stopping);
        LogFreed(work.Uid);
    }

    [LoggerMessage(3320, LogLevel.Information, "The bytes of replica {Replica} are freed")]
    private partial void LogFreed(string replica);

    [LoggerMessage(3321, LogLevel.Warning, "The bytes of replica {Replica} are not freed yet: {Problem}")]
    private partial void LogFailed(string replica, string problem);
}
