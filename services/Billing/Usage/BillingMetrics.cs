using System.Diagnostics.Metrics;

namespace Gallery.Billing.Usage;

/// <summary>Measures what is being recorded.</summary>
internal sealed class BillingMetrics
{
    private readonly Counter<long> _begun;
    private readonly Counter<long> _ended;
    private readonly Counter<long> _egress;

    public BillingMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("Gallery.Billing");
        _begun = meter.CreateCounter<long>("gallery.billing.intervals.begun", "{interval}", "Usage intervals that began.");
        _ended = meter.CreateCounter<long>("gallery.billing.intervals.ended", "{interval}", "Usage intervals that ended.");
        _egress = meter.CreateCounter<long>("gallery.billing.egress", "By", "Bytes of egress recorded to be billed.");
    }

    /// <summary>Counts what an event changed in a region.</summary>
    public void Recorded(UsageChange change, string region)
    {
        var tag = new KeyValuePair<string, object?>("gallery.region", region);
        if (change.Begun)
        {
            _begun.Add(1, tag);
        }

        if (change.Ended)
        {
            _ended.Add(1, tag);
        }

        if (change.EgressBytes > 0)
        {
            _egress.Add(change.EgressBytes, tag);
        }
    }
}
