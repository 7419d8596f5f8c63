using Gallery.Region.Stores;

namespace Gallery.Region.Replicas;

/// <summary>Writes down what becomes of pulls, in the records of their replicas.</summary>
internal sealed partial class PullJournal(ReplicaRegistry registry, TimeProvider time, ILogger<PullJournal> logger)
{
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromSeconds(5);

    /// <summary>The replica is ready.</summary>
    public async ValueTask CompleteAsync(Replica replica, PullJob job, RegionStore store, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var record = await registry.ChangeAsync(
            replica,
            current =>
                Counted(current!, job) with
                {
                    Phase = ReplicaPhase.Ready,
                    ReadyTime = current!.ReadyTime ?? now,
                    LastVerifiedTime = now,
                    Details = "",
                },
            cancellationToken
        );
        registry.Hold(record, store);
        LogReady(replica.Id, record.TotalBytes, record.TransferredBytes);
    }

    /// <summary>The pull ended: null, or its failure.</summary>
    public async ValueTask EndAsync(Replica replica, PullJob job, Exception? failure)
    {
        if (failure is null)
        {
            return;
        }

        LogFailed(failure, replica.Id);
        try
        {
            // A pull that was ended, by a drop or by the end of the process, did not fail.
            var ended = failure is OperationCanceledException;
            await registry.ChangeAsync(
                replica,
                current => Counted(current!, job) with { Details = ended ? current!.Details : failure.Message },
                CancellationToken.None
            );
        }
        catch (Exception exception) when (exception is IOException or RegionException or UnauthorizedAccessException)
        {
            // The store may be full or gone, which is why the pull failed. The job itself still tells its failure.
            LogNotSaved(exception, replica.Id);
        }
    }

    /// <summary>Writes down now and then how much has crossed a border, so that a crash forgets little of it.</summary>
    public async Task CheckpointAsync(Replica replica, PullJob job)
    {
        while (await Task.WhenAny(job.Completion, Task.Delay(CheckpointInterval, CancellationToken.None)) != job.Completion)
        {
            try
            {
                await registry.ChangeAsync(replica, current => Counted(current!, job), CancellationToken.None);
            }
            catch (Exception exception) when (exception is IOException or RegionException or UnauthorizedAccessException)
            {
                LogNotSaved(exception, replica.Id);
            }
        }
    }

    private static ReplicaRecord Counted(ReplicaRecord record, PullJob job) =>
        record with
        {
            TransferredBytes = job.TransferredBytes,
            SourceRegion = job.SourceRegion.Length > 0 ? job.SourceRegion : record.SourceRegion,
        };

    [LoggerMessage(
        1,
        LogLevel.Information,
        "Replica {Replica} is ready: {TotalBytes} bytes, {TransferredBytes} of them from another region"
    )]
    private partial void LogReady(string replica, long totalBytes, long transferredBytes);

    [LoggerMessage(2, LogLevel.Warning, "The pull of replica {Replica} ended")]
    private partial void LogFailed(Exception exception, string replica);

    [LoggerMessage(3, LogLevel.Error, "The state of replica {Replica} could not be written")]
    private partial void LogNotSaved(Exception exception, string replica);
}
