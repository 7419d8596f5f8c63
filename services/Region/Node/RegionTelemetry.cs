using System.Diagnostics;
using System.Diagnostics.Metrics;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;

namespace Gallery.Region.Node;

/// <summary>What a node tells of itself: the meter and the traces `Gallery.Region`, and a warning for every bad block.</summary>
internal sealed partial class RegionTelemetry : IDisposable
{
    private const string Name = "Gallery.Region";

    private static readonly KeyValuePair<string, object?> Hit = new("gallery.outcome", "hit");
    private static readonly KeyValuePair<string, object?> Miss = new("gallery.outcome", "miss");

    private readonly ILogger<RegionTelemetry> _logger;
    private readonly ActivitySource _activities = new(Name);
    private readonly Counter<long> _uploaded;
    private readonly Counter<long> _imported;
    private readonly Counter<long> _pulled;
    private readonly Counter<long> _served;
    private readonly Counter<long> _received;
    private readonly Counter<long> _blocksRead;
    private readonly Counter<long> _cacheUses;
    private readonly Counter<long> _badBlocks;
    private readonly Counter<long> _pulls;
    private readonly Counter<long> _compacted;
    private readonly Counter<long> _scrubbed;
    private readonly Counter<long> _mended;

    /// <summary>Makes the instruments.</summary>
    public RegionTelemetry(IMeterFactory meters, ILogger<RegionTelemetry> logger)
    {
        _logger = logger;
        Meter = meters.Create(Name);
        _uploaded = Meter.CreateCounter<long>("gallery.region.uploaded", "By", "Block bytes taken in from clients.");
        _imported = Meter.CreateCounter<long>("gallery.region.imported", "By", "Bytes fetched from where files lie.");
        _pulled = Meter.CreateCounter<long>("gallery.region.pulled", "By", "Block bytes taken over from nodes of other regions.");
        _served = Meter.CreateCounter<long>("gallery.region.served", "By", "Bytes given out, by whom to.");
        _received = Meter.CreateCounter<long>(
            "gallery.region.received",
            "By",
            "Bytes that came over the wire from nodes of other regions. The rest of gallery.region.pulled was saved by deltas and compression."
        );
        _blocksRead = Meter.CreateCounter<long>("gallery.region.read", "By", "Bytes read from the stores for readers of replicas.");
        _cacheUses = Meter.CreateCounter<long>(
            "gallery.region.cache.uses",
            "{block}",
            "Blocks that readers of replicas asked for, and whether the cache had them."
        );
        _badBlocks = Meter.CreateCounter<long>("gallery.region.bad_blocks", "{block}", "Reads that found a zone's copy damaged or gone.");
        _pulls = Meter.CreateCounter<long>("gallery.region.pulls", "{pull}", "Pulls that ended, by outcome.");
        _compacted = Meter.CreateCounter<long>("gallery.region.compacted", "By", "Bytes given back by rewriting half-empty segments.");
        _scrubbed = Meter.CreateCounter<long>("gallery.region.scrubbed", "By", "Bytes read and checked by the scrub.");
        _mended = Meter.CreateCounter<long>("gallery.region.mended_blocks", "{block}", "Damaged or missing blocks written anew.");
    }

    /// <summary>The meter, for gauges that others observe.</summary>
    public Meter Meter { get; }

    /// <summary>Block bytes were taken in from a client.</summary>
    public void Uploaded(long bytes) => _uploaded.Add(bytes);

    /// <summary>Bytes were fetched for an import.</summary>
    public void Imported(long bytes) => _imported.Add(bytes);

    /// <summary>Bytes were given out: to a `node`, over `grpc`, over `http`.</summary>
    public void Served(long bytes, string to) => _served.Add(bytes, new KeyValuePair<string, object?>("gallery.to", to));

    /// <summary>Bytes came over the wire from a node of another region.</summary>
    public void Received(long bytes, string sourceRegion) =>
        _received.Add(bytes, new KeyValuePair<string, object?>("gallery.source", sourceRegion));

    /// <summary>A block was read from a store for a reader of a replica.</summary>
    public void BlockRead(int bytes) => _blocksRead.Add(bytes);

    /// <summary>A reader of a replica asked for a block.</summary>
    public void CacheUsed(bool hit) => _cacheUses.Add(1, hit ? Hit : Miss);

    /// <summary>Begins the span of a pull.</summary>
    public Activity? StartPull(PullOrder order) =>
        _activities
            .StartActivity("pull replica")
            ?.SetTag("gallery.replica", order.ReplicaId)
            .SetTag("gallery.store", $"{order.Store}")
            .SetTag("gallery.disks", order.Disks.Count);

    /// <summary>A pull ended.</summary>
    public void PullEnded(string outcome, string sourceRegion, long transferredBytes)
    {
        _pulls.Add(1, new KeyValuePair<string, object?>("gallery.outcome", outcome));
        if (transferredBytes > 0)
        {
            _pulled.Add(transferredBytes, new KeyValuePair<string, object?>("gallery.source", sourceRegion));
        }
    }

    /// <summary>Half-empty segments were rewritten.</summary>
    public void Compacted(long freedBytes) => _compacted.Add(freedBytes);

    /// <summary>The scrub read on.</summary>
    public void Scrubbed(long bytes, int badBlocks, StoreName store)
    {
        _scrubbed.Add(bytes);
        if (badBlocks > 0)
        {
            _badBlocks.Add(badBlocks, new KeyValuePair<string, object?>("gallery.store", $"{store}"));
        }
    }

    /// <summary>A block was written anew.</summary>
    public void BlockMended(StoreName store) => _mended.Add(1, new KeyValuePair<string, object?>("gallery.store", $"{store}"));

    /// <summary>A zone's copy of a block was bad, and another zone was asked.</summary>
    public void BadBlock(StoreName store, Exception failure)
    {
        _badBlocks.Add(1, new KeyValuePair<string, object?>("gallery.store", $"{store}"));
        LogBadBlock(failure, $"{store}");
    }

    /// <inheritdoc/>
    public void Dispose() => _activities.Dispose();

    [LoggerMessage(1, LogLevel.Warning, "Store {Store}: a zone's copy of a block is bad; another zone is read")]
    private partial void LogBadBlock(Exception exception, string store);
}
