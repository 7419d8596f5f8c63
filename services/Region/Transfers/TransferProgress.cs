namespace Gallery.Region.Transfers;

/// <summary>How far a transfer is. Written by its workers, read by whoever watches.</summary>
internal sealed class TransferProgress
{
    private long _copied;
    private long _transferred;
    private long _lacking;

    /// <summary>Bytes in place, of the occupied bytes of all disks.</summary>
    public long CopiedBytes => Interlocked.Read(ref _copied);

    /// <summary>Block bytes that came from another region.</summary>
    public long TransferredBytes => Interlocked.Read(ref _transferred);

    /// <summary>Bytes that room was found for and that are still to be written.</summary>
    public long LackingBytes => Math.Max(0, Interlocked.Read(ref _lacking));

    /// <summary>Notes how many bytes are to be written.</summary>
    public void Lack(long bytes) => Interlocked.Exchange(ref _lacking, bytes);

    /// <summary>Counts bytes that were written, or need not be since others like them were.</summary>
    public void AddWritten(long bytes)
    {
        Interlocked.Add(ref _copied, bytes);
        Interlocked.Add(ref _lacking, -bytes);
    }

    /// <summary>Counts bytes that are in place.</summary>
    public void AddCopied(long bytes) => Interlocked.Add(ref _copied, bytes);

    /// <summary>Counts bytes that crossed a border.</summary>
    public void AddTransferred(long bytes) => Interlocked.Add(ref _transferred, bytes);

    /// <summary>Begins another look at what is in place; what crossed a border stays counted.</summary>
    public void Restart() => Interlocked.Exchange(ref _copied, 0);
}
