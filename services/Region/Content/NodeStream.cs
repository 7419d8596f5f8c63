using System.Diagnostics;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Links;

namespace Gallery.Region.Content;

/// <summary>
/// What another node sends: counted, held back to the bandwidth that is allowed, and given up when nothing comes for too long. Time that the
/// reader takes does not count.
/// </summary>
/// <param name="inner">The bytes.</param>
/// <param name="region">The region that the node is in.</param>
/// <param name="limiter">Bounds the bytes a second.</param>
/// <param name="link">Measures how fast they come.</param>
/// <param name="timeout">The longest silence.</param>
/// <param name="cancellationToken">Ends the transfer.</param>
internal sealed class NodeStream(
    Stream inner,
    string region,
    LinkLimiter limiter,
    LinkMeter link,
    TimeSpan timeout,
    CancellationToken cancellationToken
) : Stream
{
    private readonly CancellationTokenSource _silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    /// <summary>Bytes that came.</summary>
    public long Received { get; private set; }

    /// <summary>How long they, and their share of the bandwidth, were waited for.</summary>
    public TimeSpan Waited { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => Received;
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken ignored = default)
    {
        int read;
        _silence.CancelAfter(timeout);
        try
        {
            read = await TimeAsync(inner.ReadAsync(buffer, _silence.Token));
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw RegionException.OfSource(
                region,
                ErrorReason.RegionUnavailable,
                $"sent nothing for {timeout.TotalSeconds:f0} seconds.",
                exception
            );
        }

        _silence.CancelAfter(Timeout.InfiniteTimeSpan);
        Received += read;
        link.Received(read);
        await TimeAsync(ShareAsync(read));
        return read;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken ignored) =>
        ReadAsync(buffer.AsMemory(offset, count), ignored).AsTask();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _silence.Dispose();
        inner.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private async ValueTask<int> ShareAsync(int bytes)
    {
        await limiter.WaitAsync(bytes, cancellationToken);
        return bytes;
    }

    private async ValueTask<int> TimeAsync(ValueTask<int> arrival)
    {
        if (arrival.IsCompleted)
        {
            return await arrival;
        }

        var start = Stopwatch.GetTimestamp();
        var count = await link.WaitAsync(arrival);
        Waited += Stopwatch.GetElapsedTime(start);
        return count;
    }

    /// <inheritdoc/>
    public override void Flush() => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
