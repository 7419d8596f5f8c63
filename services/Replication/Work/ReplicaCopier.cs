using System.Diagnostics;
using Gallery.Contracts.Region.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Grpc.Core;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Work;

/// <summary>Makes one replica complete: chooses where its bytes come from, has its node pull them, tells how far it is, and records the outcome.</summary>
internal sealed partial class ReplicaCopier(
    WorkQueue queue,
    SourcePlanner planner,
    RegionNodes nodes,
    CopyFaults faults,
    ChangeSignals signals,
    ReplicationTelemetry telemetry,
    IOptions<WorkOptions> options,
    TimeProvider clock,
    ILogger<ReplicaCopier> logger
)
{
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(50);

    /// <summary>Does the work. Whatever happens, the replica is complete, waits for another attempt, or is somebody else's afterwards.</summary>
    public async Task RunAsync(ClaimedReplica work, CancellationToken stopping)
    {
        using var activity = telemetry.StartWork("copy replica", work);
        using var attempt = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var keeping = KeepAsync(work, attempt);
        try
        {
            await AttemptAsync(work, attempt);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            using var limit = new CancellationTokenSource(ReleaseLimit);
            await queue.ReleaseAsync(work, limit.Token);
        }
        catch (OperationCanceledException) when (attempt.IsCancellationRequested)
        {
            LogLost(work.Uid, work.Token);
        }
        catch (Exception exception) when (RedisErrors.Is(exception))
        {
            // Nothing can be recorded now: the claim's lease ends by itself, and somebody goes on.
            LogNotRecorded(work.Uid, exception.Message);
            activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
        }
        finally
        {
            await attempt.CancelAsync();
            await keeping;
        }
    }

    private async Task AttemptAsync(ClaimedReplica work, CancellationTokenSource attempt)
    {
        var cancellationToken = attempt.Token;
        var start = Stopwatch.GetTimestamp();
        var choice = await planner.ChooseAsync(work, cancellationToken);
        if (choice.Failure is not null)
        {
            await FailAsync(work, choice.Failure, cancellationToken);
            return;
        }

        CompletedCopy copy;
        try
        {
            copy = await PullAsync(work, planner.RequestOf(work, choice), attempt);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            await faults.FailedAsync(work.Replica.Region, exception, cancellationToken);
            await FailAsync(work, NodeFailures.Of(work.Replica.Region, exception, choice.Regions.FirstOrDefault("")), cancellationToken);
            return;
        }

        if (await queue.CompleteAsync(work, copy, cancellationToken) is not { } document)
        {
            LogLost(work.Uid, work.Token);
            return;
        }

        await faults.CompletedAsync(work.Replica.Region, choice, copy, cancellationToken);
        telemetry.Completed(work.Replica.Region, Stopwatch.GetElapsedTime(start));
        LogCompleted(work.Uid, copy.SourceRegion, copy.TransferredBytes);
        if (
            document.RegionOf(work.Replica.Region) is { CompleteTime: { } complete, AddTime: { } asked }
            && work.Document.RegionOf(work.Replica.Region)?.CompleteTime is null
        )
        {
            telemetry.RegionCompleted(work.Replica.Region, complete.ToDateTimeOffset() - asked.ToDateTimeOffset());
        }
    }

    private async Task<CompletedCopy> PullAsync(ClaimedReplica work, PullReplicaRequest request, CancellationTokenSource attempt)
    {
        var cancellationToken = attempt.Token;
        // Only the way to the first message is tried again at once: a pull that breaks off later goes back to the queue, and goes on from
        // where it stopped.
        var node = nodes[work.Replica.Region];
        using var call = await node.Pipeline.ExecuteAsync(token => StartAsync(node, request, token, cancellationToken), cancellationToken);
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var progress = new CopyProgress(telemetry, work, clock);
        var (begun, told) = (Stopwatch.GetTimestamp(), long.MinValue);
        try
        {
            while (true)
            {
                var replica = call.ResponseStream.Current.Replica;
                progress.Add(replica);
                if (replica.State == NodeReplicaState.Ready)
                {
                    var now = clock.GetUtcNow();
                    return new CompletedCopy(
                        replica.TransferredBytes,
                        replica.SourceRegion,
                        replica.ReadyTime?.ToDateTimeOffset() ?? now,
                        replica.LastVerifiedTime?.ToDateTimeOffset() ?? replica.ReadyTime?.ToDateTimeOffset() ?? now
                    );
                }

                silence.CancelAfter(options.Value.SilenceLimit);
                var next = call.ResponseStream.MoveNext(silence.Token);
                if (
                    told == long.MinValue
                        ? Stopwatch.GetElapsedTime(begun) >= Moment || !await IsOverSoonAsync(next)
                        : Stopwatch.GetElapsedTime(told) >= options.Value.ProgressInterval
                )
                {
                    told = Stopwatch.GetTimestamp();
                    if (!await TellAsync(work, progress.Record(replica), cancellationToken))
                    {
                        await attempt.CancelAsync();
                        cancellationToken.ThrowIfCancellationRequested();
                    }
                }

                if (!await next)
                {
                    break;
                }
            }
        }
        catch (Exception exception) when (IsCancellation(exception))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new TimeoutException("The node sent nothing for too long.", exception);
        }

        throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "The node ended the pull before the replica was complete."));
    }

    private static async ValueTask<AsyncServerStreamingCall<PullReplicaResponse>> StartAsync(
        RegionNode node,
        PullReplicaRequest request,
        CancellationToken attempt,
        CancellationToken whole
    )
    {
        var call = node.Replicas.PullReplica(request, cancellationToken: whole);
        try
        {
            return await call.ResponseStream.MoveNext(attempt)
                ? call
                : throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "The node ended the pull without a word."));
        }
        catch (Exception exception)
        {
            call.Dispose();
            attempt.ThrowIfCancellationRequested(); // So that the pipeline knows its own time limit again.
            throw exception is RpcException or OperationCanceledException
                ? exception
                : new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, exception.Message, exception));
        }
    }

    /// <summary>Whether there is news already: what a tiny content was at for a moment is not worth a write.</summary>
    private static async Task<bool> IsOverSoonAsync(Task<bool> next)
    {
        if (!next.IsCompleted)
        {
            await Task.WhenAny(next, Task.Delay(Moment, CancellationToken.None));
        }

        return next.IsCompleted;
    }

    /// <returns>False when the replica is somebody else's by now.</returns>
    private async Task<bool> TellAsync(ClaimedReplica work, ProgressRecord progress, CancellationToken cancellationToken)
    {
        try
        {
            if (!await queue.KeepAsync(work, progress, cancellationToken))
            {
                return false;
            }
        }
        catch (Exception exception) when (RedisErrors.Is(exception))
        {
            return true; // Told again in a moment; the node works on meanwhile.
        }

        signals.Progressed(work.Version);
        return true;
    }

    /// <summary>Keeps the claim alive while the attempt runs, and ends the attempt when it is lost.</summary>
    private async Task KeepAsync(ClaimedReplica work, CancellationTokenSource attempt)
    {
        while (!attempt.IsCancellationRequested)
        {
            await Task.Delay(options.Value.ClaimLease / 3, attempt.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                if (!attempt.IsCancellationRequested && !await queue.KeepAsync(work, progress: null, attempt.Token))
                {
                    await attempt.CancelAsync();
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException || RedisErrors.Is(exception))
            {
                // Tried again in a moment; the node works on meanwhile.
            }
        }
    }

    private async Task FailAsync(ClaimedReplica work, WorkFailure failure, CancellationToken cancellationToken)
    {
        telemetry.Failed(work.Replica.Region);
        if (await queue.FailAsync(work, failure, cancellationToken) is null)
        {
            LogLost(work.Uid, work.Token);
            return;
        }

        LogFailed(work.Uid, work.Replica.AttemptCount, failure.Problem);
    }

    private static bool IsCancellation(Exception exception) =>
        exception is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled };

    [LoggerMessage(3310, LogLevel.Information, "Replica {Replica} is complete; {Bytes} bytes came from {Source}")]
    private partial void LogCompleted(string replica, string source, long bytes);

    [LoggerMessage(3311, LogLevel.Warning, "Replica {Replica}, attempt {Attempt}: {Problem}")]
    private partial void LogFailed(string replica, int attempt, string problem);

    [LoggerMessage(3312, LogLevel.Information, "The work on replica {Replica} was taken over from token {Token}")]
    private partial void LogLost(string replica, long token);

    [LoggerMessage(3313, LogLevel.Warning, "The outcome of the work on replica {Replica} could not be recorded: {Reason}")]
    private partial void LogNotRecorded(string replica, string reason);
}
