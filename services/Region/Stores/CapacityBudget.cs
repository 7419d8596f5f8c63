namespace Gallery.Region.Stores;

/// <summary>
/// The bytes that the stores of a node may take up together; 0 means as many as the disks hold. Counted in segment files, so that the limit
/// is what an operator sees on the disk.
/// </summary>
internal sealed class CapacityBudget(long limitBytes = 0)
{
    private long _used;

    /// <summary>The limit in bytes; 0 for none.</summary>
    public long LimitBytes { get; } = limitBytes;

    /// <summary>Bytes in use.</summary>
    public long UsedBytes => Interlocked.Read(ref _used);

    /// <summary>Bytes left under the limit.</summary>
    public long LeftBytes => LimitBytes == 0 ? long.MaxValue : Math.Max(0, LimitBytes - UsedBytes);

    /// <summary>Takes bytes.</summary>
    /// <exception cref="StorageExhaustedException">They would exceed the limit; none is taken.</exception>
    public void Take(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) > LimitBytes && LimitBytes != 0)
        {
            Interlocked.Add(ref _used, -bytes);
            throw new StorageExhaustedException($"The node may use {LimitBytes} bytes, and {UsedBytes} are in use.");
        }
    }

    /// <summary>Counts bytes that are there already, whatever the limit says.</summary>
    public void Count(long bytes) => Interlocked.Add(ref _used, bytes);

    /// <summary>Gives bytes back.</summary>
    public void Give(long bytes) => Interlocked.Add(ref _used, -bytes);
}
