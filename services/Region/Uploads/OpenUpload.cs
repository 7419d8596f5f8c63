namespace Gallery.Region.Uploads;

/// <summary>An upload in memory. Changes of one upload come one after the other; writers of blocks do not take part in that.</summary>
internal sealed class OpenUpload(UploadRecord record, BlockMap? map) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>What is kept of it.</summary>
    public UploadRecord Record { get; set; } = record;

    /// <summary>Which block stands where; null once it is committed.</summary>
    public BlockMap? Map { get; set; } = map;

    /// <summary>Timestamp of the last time that the record was written.</summary>
    public long SavedAt { get; set; }

    /// <summary>True when it was dropped while somebody waited for it.</summary>
    public bool IsDropped { get; set; }

    /// <summary>How long ago the record was written.</summary>
    public TimeSpan SinceSaved(TimeProvider time) => time.GetElapsedTime(SavedAt);

    /// <summary>Waits for its turn, and keeps it until disposed of.</summary>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        return new Turn(_turn);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Map?.Dispose();
        _turn.Dispose();
    }

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
