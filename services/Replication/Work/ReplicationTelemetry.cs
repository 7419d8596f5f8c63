using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Gallery.Replication.Work;

/// <summary>What replication tells of itself: the meter and the traces <c>Gallery.Replication</c>.</summary>
internal sealed class ReplicationTelemetry : IDisposable
{
    private const string Name = "Gallery.Replication";

    private readonly ConcurrentDictionary<(string From, string To), long> _linkRates = new();
    private readonly Counter<long> _transferred;
    private readonly Counter<long> _attempts;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _lag;

    /// <summary>Makes the instruments.</summary>
    public ReplicationTelemetry(IMeterFactory meters)
    {
        Meter = meters.Create(Name);
        _transferred = Meter.CreateCounter<long>("gallery.replication.transferred", "By", "Block bytes that crossed a region border.");
        _attempts = Meter.CreateCounter<long>(
            "gallery.replication.attempts",
            "{attempt}",
            "Attempts to make a replica complete, by outcome."
        );
        _duration = Meter.CreateHistogram<double>(
            "gallery.replication.copy.duration",
            "s",
            "How long the attempt took that made a replica complete."
        );
        Meter.CreateObservableGauge(
            "gallery.replication.link.rate",
            () => _linkRates.Select(link => new Measurement<long>(link.Value, Tag("source", link.Key.From), Tag("target", link.Key.To))),
            "By/s",
            "Bytes a second that cross from one region to another in the copies of this process now."
        );
        _lag = Meter.CreateHistogram<double>("gallery.replication.lag", "s", "From when a region was asked for to its completion.");
    }

    /// <summary>The meter, for gauges that others observe.</summary>
    public Meter Meter { get; }

    private ActivitySource Activities { get; } = new(Name);

    /// <summary>Begins a span that goes on with the trace of the publish.</summary>
    public Activity? StartWork(string name, ClaimedReplica work)
    {
        var activity = ActivityContext.TryParse(work.Document.Version.TraceParent, null, isRemote: true, out var parent)
            ? Activities.StartActivity(name, ActivityKind.Internal, parent)
            : Activities.StartActivity(name);
        activity
            ?.SetTag("gallery.version", work.Version.Value)
            .SetTag("gallery.region", work.Replica.Region)
            .SetTag("gallery.ordinal", work.Replica.Ordinal);
        return activity;
    }

    /// <summary>A replica is complete.</summary>
    public void Completed(string region, TimeSpan duration)
    {
        _attempts.Add(1, Tag("region", region), Tag("outcome", "completed"));
        _duration.Record(duration.TotalSeconds, Tag("region", region));
    }

    /// <summary>Block bytes have crossed from one region to another.</summary>
    public void Crossed(string from, string to, long bytes) => _transferred.Add(bytes, Tag("source", from), Tag("target", to));

    /// <summary>A copy crosses faster or slower than before, by so many bytes a second.</summary>
    public void LinkRate(string from, string to, long change)
    {
        if (change != 0)
        {
            _linkRates.AddOrUpdate((from, to), change, (_, rate) => rate + change);
        }
    }

    /// <summary>An attempt failed.</summary>
    public void Failed(string region) => _attempts.Add(1, Tag("region", region), Tag("outcome", "failed"));

    /// <summary>A region has all that was asked for.</summary>
    public void RegionCompleted(string region, TimeSpan lag) => _lag.Record(lag.TotalSeconds, Tag("region", region));

    /// <inheritdoc />
    public void Dispose() => Activities.Dispose();

    private static KeyValuePair<string, object?> Tag(string key, string value) => new("gallery." + key, value);
}
