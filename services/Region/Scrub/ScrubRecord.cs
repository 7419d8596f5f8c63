using System.Text.Json.Serialization;
using Gallery.Region.Stores;

namespace Gallery.Region.Scrub;

/// <summary>How far the scrub of a store is. Kept among the store's records, so that a restart goes on where it was.</summary>
internal sealed record ScrubRecord
{
    /// <summary>When the pass began.</summary>
    public required DateTimeOffset BeginTime { get; init; }

    /// <summary>When it came to its end; null while it is under way.</summary>
    public DateTimeOffset? EndTime { get; init; }

    /// <summary>Index of the zone that is being read, of those that keep the store.</summary>
    public int Zone { get; init; }

    /// <summary>Segment that is being read.</summary>
    public uint Segment { get; init; }

    /// <summary>The first byte in it that was not read.</summary>
    public uint Offset { get; init; }

    /// <summary>True when a zone could not be read in this pass.</summary>
    public bool IsPartial { get; init; }

    /// <summary>Bytes read in this pass.</summary>
    public long ReadBytes { get; init; }

    /// <summary>Blocks found damaged in this pass.</summary>
    public long BadBlocks { get; init; }

    /// <summary>Where it goes on within its zone.</summary>
    [JsonIgnore]
    public ScrubPosition Position => new(Segment, Offset);
}

/// <summary>The encoding of scrub records.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(ScrubRecord))]
internal sealed partial class ScrubJson : JsonSerializerContext;
