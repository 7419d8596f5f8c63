namespace Gallery.Region.Transfers;

/// <summary>How far a transfer is. Written by its workers, read by whoever watches.</summary>
internal sealed class TransferProgress
{
    private long _copied;
    private long _transferred;

    /// <summary>Bytes in place, of the occupied bytes of all disks.</summary>
    public long CopiedBytes => Interlocked.Read(ref _copied);

    /// <summary>Block bytes that came from another region.</summary>
    public long TransferredBytes => Interlocked.Read(ref _transferred);

    /// <summary>Counts bytes that are in place.</summary>
    public void AddCopied(long bytes) => Interlocked.Add(ref _copied, bytes);

    /// <summary>Counts bytes that crossed a border.</summary>
    public void AddTransferred(long bytes) => Interlocked.Add(ref _transferred, bytes);

    /// <summary>Begins another look at what is in place; what crossed a border stays counted.</summary>
    public void Restart() => Interlocked.Exchange(ref _copied, 0);
}
