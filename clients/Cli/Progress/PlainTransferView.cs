using System.Globalization;
using Gallery.Cli.Output;

namespace Gallery.Cli.Progress;

/// <summary>A transfer as lines, for logs: at most one a second, and one at the end.</summary>
internal sealed class PlainTransferView(string title, TextWriter to, TimeProvider time) : IProgress<TransferProgress>
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly long started = time.GetTimestamp();
    private long written = time.GetTimestamp();
    private TransferProgress? last;

    /// <inheritdoc />
    public void Report(TransferProgress value)
    {
        lock (gate)
        {
            last = value;
            if (time.GetElapsedTime(written) >= Interval)
            {
                written = time.GetTimestamp();
                Write(value, "");
            }
        }
    }

    /// <summary>Writes the last line, unless the transfer never got as far as to report.</summary>
    public void Finish()
    {
        lock (gate)
        {
            if (last is { } at)
            {
                Write(at, $" in {Seconds()} s");
            }
        }
    }

    private void Write(TransferProgress at, string suffix)
    {
        var percent = at.TotalBytes == 0 ? 100 : (int)(at.DoneBytes * 100 / at.TotalBytes);
        to.WriteLine($"{title}: {percent} % of {Human.Bytes(at.TotalBytes)}, {Human.Bytes(at.MovedBytes)} moved{suffix}");
    }

    private string Seconds() => time.GetElapsedTime(started).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
}
