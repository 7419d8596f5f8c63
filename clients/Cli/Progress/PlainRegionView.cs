using Gallery.Contracts.Common.V1;
using ReplicationStatus = Gallery.Contracts.Replication.V1.ReplicationStatus;

namespace Gallery.Cli.Progress;

/// <summary>Rows as lines, for logs: a line when a row has changed, and at most one a second for each region.</summary>
internal sealed class PlainRegionView : IRegionView, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly TextWriter to;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private readonly Lock gate = new();
    private readonly Dictionary<string, (string Key, long Time)> written = [];
    private readonly Dictionary<string, RegionalReplicationStatus> waiting = [];
    private string note = "";

    public PlainRegionView(TextWriter to, TimeProvider time)
    {
        this.to = to;
        this.time = time;
        timer = time.CreateTimer(_ => Flush(), null, Interval, Interval);
    }

    /// <inheritdoc />
    public void Show(ReplicationStatus status)
    {
        lock (gate)
        {
            note = "";
            foreach (var row in status.Summary)
            {
                if (written.TryGetValue(row.Region, out var last) && last.Key == RegionLine.Key(row))
                {
                    waiting.Remove(row.Region);
                    continue;
                }

                waiting[row.Region] = row;
                if (row.State is not (RegionalReplicationState.Replicating or RegionalReplicationState.Unspecified) || IsDue(row.Region))
                {
                    Write(row.Region);
                }
            }
        }
    }

    /// <inheritdoc />
    public void Note(string text)
    {
        lock (gate)
        {
            if (note != text)
            {
                note = text;
                to.WriteLine(text);
            }
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        timer.Dispose();
        lock (gate)
        {
            foreach (var region in waiting.Keys.ToList())
            {
                Write(region);
            }
        }
    }

    private void Flush()
    {
        lock (gate)
        {
            foreach (var region in waiting.Keys.Where(IsDue).ToList())
            {
                Write(region);
            }
        }
    }

    private bool IsDue(string region) => !written.TryGetValue(region, out var last) || time.GetElapsedTime(last.Time) >= Interval;

    private void Write(string region)
    {
        if (waiting.Remove(region, out var row))
        {
            written[region] = (RegionLine.Key(row), time.GetTimestamp());
            to.WriteLine(RegionLine.Of(row));
        }
    }
}
