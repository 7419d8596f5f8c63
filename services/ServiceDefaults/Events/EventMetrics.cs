using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Gallery.ServiceDefaults.Events;

/// <summary>What becomes of events, and how many wait.</summary>
internal sealed class EventMetrics
{
    public const string MeterName = "Gallery.Events";

    private readonly Histogram<double> _duration;
    private readonly Counter<long> _dead;
    private readonly Counter<long> _trimmed;
    private readonly ConcurrentDictionary<(string Producer, int Partition, bool Redrive), (long Unseen, long Pending)> _depths = new();

    public EventMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _duration = meter.CreateHistogram<double>("gallery.events.handle.duration", "s", "Duration of deliveries.");
        _dead = meter.CreateCounter<long>("gallery.events.dead_letters", "{event}", "Events that went to the dead letters.");
        _trimmed = meter.CreateCounter<long>(
            "gallery.events.trimmed",
            "{event}",
            "Events that were trimmed because every group has acknowledged them."
        );
        meter.CreateObservableGauge(
            "gallery.events.unseen",
            () => Sum(depth => depth.Unseen),
            "{event}",
            "Events that the service has not looked at."
        );
        meter.CreateObservableGauge(
            "gallery.events.pending",
            () => Sum(depth => depth.Pending),
            "{event}",
            "Events taken and not acknowledged."
        );
    }

    public void Handled(string producer, TimeSpan duration) => Record(producer, duration, "handled");

    public void Failed(string producer, TimeSpan duration) => Record(producer, duration, "failed");

    public void GaveUp(string producer) => _dead.Add(1, new KeyValuePair<string, object?>("producer", producer));

    public void Trimmed(long events) => _trimmed.Add(events);

    public void Depth(string producer, int partition, bool redrive, (long Unseen, long Pending) depth) =>
        _depths[(producer, partition, redrive)] = depth;

    private void Record(string producer, TimeSpan duration, string outcome) =>
        _duration.Record(
            duration.TotalSeconds,
            new KeyValuePair<string, object?>("producer", producer),
            new KeyValuePair<string, object?>("outcome", outcome)
        );

    private IEnumerable<Measurement<long>> Sum(Func<(long Unseen, long Pending), long> value) =>
        _depths
            .GroupBy(entry => entry.Key.Producer)
            .Select(group => new Measurement<long>(
                group.Sum(entry => value(entry.Value)),
                new KeyValuePair<string, object?>("producer", group.Key)
            ));
}
