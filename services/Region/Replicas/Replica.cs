namespace Gallery.Region.Replicas;

/// <summary>
/// A replica in memory: its record and, while one runs, the pull that makes it. Who decides what is to be done with it takes a turn; the record
/// itself is changed by them and by the pull, one change after the other.
/// </summary>
internal sealed class Replica(string id) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly SemaphoreSlim _writing = new(1, 1);

    /// <summary>Its id.</summary>
    public string Id { get; } = id;

    /// <summary>What is kept of it; null until it is first written.</summary>
    public ReplicaRecord? Record { get; private set; }

    /// <summary>The last pull; null when none was begun since the process started.</summary>
    public PullJob? Job { get; set; }

    /// <summary>How it is at this moment; null when there is no such replica.</summary>
    /// <param name="failure">Why its store can't be read; empty when it can.</param>
    public ReplicaView? View(string failure)
    {
        var (record, job) = (Record, Job);
        return record?.Phase switch
        {
            null or ReplicaPhase.Dropped => null,
            ReplicaPhase.Ready => new ReplicaView(
                record,
                failure.Length == 0 ? ReplicaState.Ready : ReplicaState.Damaged,
                record.TotalBytes,
                record.TransferredBytes,
                failure
            ),
            _ when job is { IsRunning: true } => new ReplicaView(
                // The record hears of the source with the next checkpoint only.
                job.SourceRegion.Length > 0
                    ? record with
                    {
                        SourceRegion = job.SourceRegion,
                    }
                    : record,
                job.State,
                job.CopiedBytes,
                job.TransferredBytes,
                record.Details
            ),
            ReplicaPhase.Damaged => new ReplicaView(
                record,
                ReplicaState.Damaged,
                job?.CopiedBytes ?? record.TotalBytes,
                record.TransferredBytes,
                record.Details
            ),
            _ => new ReplicaView(
                record,
                record.Details.Length > 0 ? ReplicaState.Failed : ReplicaState.Waiting,
                job?.CopiedBytes ?? 0,
                job?.TransferredBytes ?? record.TransferredBytes,
                record.Details
            ),
        };
    }

    /// <summary>Takes over a record that was found on disk; false when it has one already.</summary>
    public bool TryAdopt(ReplicaRecord record)
    {
        _writing.Wait();
        try
        {
            return ReferenceEquals(Record ??= record, record);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Waits for its turn, and keeps it until disposed of.</summary>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        return new Turn(_turn);
    }

    /// <summary>Changes the record: writes the new one, and only then takes it over. Nothing is written when nothing changes.</summary>
    public async ValueTask<ReplicaRecord> ChangeAsync(
        Func<ReplicaRecord?, ReplicaRecord> change,
        Func<ReplicaRecord, ValueTask> write,
        CancellationToken cancellationToken
    )
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            var changed = change(Record);
            if (changed != Record)
            {
                await write(changed);
                Record = changed;
            }

            return changed;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _turn.Dispose();
        _writing.Dispose();
    }

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
