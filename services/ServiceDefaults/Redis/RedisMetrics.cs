using System.Diagnostics.Metrics;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>How long mutations take and how they end.</summary>
internal sealed class RedisMetrics
{
    public const string MeterName = "Gallery.Redis";

    private static readonly KeyValuePair<string, object?> Done = new("outcome", "done");
    private static readonly KeyValuePair<string, object?> Refused = new("outcome", "refused");
    private static readonly KeyValuePair<string, object?> Replayed = new("outcome", "replayed");

    private readonly Histogram<double> _duration;

    public RedisMetrics(IMeterFactory meters) =>
        _duration = meters.Create(MeterName).CreateHistogram<double>("gallery.redis.mutation.duration", "s", "Duration of mutations.");

    public void Mutated(TimeSpan duration, int outcome) =>
        _duration.Record(
            duration.TotalSeconds,
            outcome switch
            {
                0 => Done,
                -1 => Replayed,
                _ => Refused,
            }
        );
}
