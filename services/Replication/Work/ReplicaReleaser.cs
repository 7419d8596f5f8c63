using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Replication.Regions;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Work;

/// <summary>
/// Frees the bytes of one replica that is out of service, or has the node of a cancelled one end its work. Nobody waits for it, and nothing
/// is billed meanwhile.
/// </summary>
internal sealed partial class ReplicaReleaser(
    WorkQueue queue,
    RegionNodes nodes,
    ReplicationTelemetry telemetry,
    IOptions<WorkOptions> options,
    ILogger<ReplicaReleaser> logger
)
{
    /// <summary>Does the work. Whatever happens, it is done, or it is tried again later.</summary>
    public async Task RunAsync(ClaimedReplica work, CancellationToken stopping)
    {
        var stops = work.Replica.State == ReplicaState.Cancelled;
        using var activity = telemetry.StartWork(stops ? "stop replica" : "free replica", work);
        var region = work.Replica.Region;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        // Another one may begin when the lease ends; to free twice does no harm, but need not be.
        limit.CancelAfter(options.Value.ClaimLease);
        try
        {
            await nodes[region]
                .Pipeline.ExecuteAsync(
                    async token =>
                    {
                        if (stops)
                        {
                            var stop = new StopReplicaRequest { ReplicaId = work.Uid, FencingToken = work.Token };
                            await nodes[region].Replicas.StopReplicaAsync(stop, cancellationToken: token);
                        }
                        else
                        {
                            var delete = new DeleteReplicaRequest { ReplicaId = work.Uid, FencingToken = work.Token };
                            await nodes[region].Replicas.DeleteReplicaAsync(delete, cancellationToken: token);
                        }
                    },
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

        if (stops)
        {
            await queue.StoppedAsync(work, stopping);
            LogStopped(work.Uid);
        }
        else
        {
            await queue.FreedAsync(work, stopping);
            LogFreed(work.Uid);
        }
    }

    [LoggerMessage(3320, LogLevel.Information, "The bytes of replica {Replica} are freed")]
    private partial void LogFreed(string replica);

    [LoggerMessage(3322, LogLevel.Information, "The work on replica {Replica} has ended: it was cancelled")]
    private partial void LogStopped(string replica);

    [LoggerMessage(3321, LogLevel.Warning, "The bytes of replica {Replica} are not freed, or its work not ended yet: {Problem}")]
    private partial void LogFailed(string replica, string problem);
}
