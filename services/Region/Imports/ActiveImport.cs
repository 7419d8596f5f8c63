using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Imports;

/// <summary>Where an import stands.</summary>
internal enum ImportStep
{
    /// <summary>No work is running.</summary>
    Waiting,

    /// <summary>Work is running, or waits for its turn.</summary>
    Running,

    /// <summary>All is in place.</summary>
    Arrived,

    /// <summary>It can't be done.</summary>
    Failed,
}

/// <summary>An import as others see it.</summary>
/// <param name="State">Where it stands.</param>
/// <param name="Record">What is kept of it.</param>
/// <param name="DoneBytes">Bytes of the file that are in place.</param>
internal sealed record ImportView(ImportStep State, ImportRecord Record, long DoneBytes);

/// <summary>An import in memory.</summary>
internal sealed class ActiveImport(ImportRecord record)
{
    private CancellationTokenSource? _running;
    private long _doneBytes;

    /// <summary>What is kept of it.</summary>
    public ImportRecord Record { get; private set; } = record;

    /// <summary>The work, while it runs.</summary>
    public Task Work { get; set; } = Task.CompletedTask;

    /// <summary>True when its upload was dropped.</summary>
    public bool IsDropped { get; set; }

    /// <summary>Ends the work.</summary>
    public CancellationToken Cancellation => _running?.Token ?? new CancellationToken(canceled: true);

    /// <summary>Where it stands.</summary>
    public ImportView View
    {
        get
        {
            lock (this)
            {
                var state =
                    Record.HasArrived ? ImportStep.Arrived
                    : Record.Failure != ErrorReason.Unspecified ? ImportStep.Failed
                    : _running is not null ? ImportStep.Running
                    : ImportStep.Waiting;
                return new ImportView(state, Record, Record.HasArrived ? Record.FileSize : Interlocked.Read(ref _doneBytes));
            }
        }
    }

    /// <summary>The work begins.</summary>
    public void Begin(CancellationToken stopping)
    {
        _running = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _doneBytes = 0;
    }

    /// <summary>More of the file is in place.</summary>
    public void Advance(long doneBytes) => Interlocked.Exchange(ref _doneBytes, doneBytes);

    /// <summary>Takes over a newer record.</summary>
    public void Keep(ImportRecord newer)
    {
        lock (this)
        {
            Record = newer;
        }
    }

    /// <summary>The work has ended without having done all.</summary>
    public void Rest(ImportRecord newer)
    {
        lock (this)
        {
            Record = newer;
            _running = null;
        }
    }

    /// <summary>Has the work end.</summary>
    public void Cancel() => _running?.Cancel();
}
