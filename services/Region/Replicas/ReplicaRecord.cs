using System.Text.Json.Serialization;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Replicas;

/// <summary>What is promised of a replica.</summary>
internal enum ReplicaPhase
{
    /// <summary>Asked for, not complete.</summary>
    Pulling,

    /// <summary>Complete and verified; all its bytes are durable.</summary>
    Ready,

    /// <summary>It was ready, and blocks of it are damaged or lost: out of service until they are brought in again.</summary>
    Damaged,

    /// <summary>Dropped. Kept for a while, so that a late call of somebody who lost the work can't bring it back.</summary>
    Dropped,
}

/// <summary>What the node keeps of a replica, beside its bytes in the same store.</summary>
internal sealed record ReplicaRecord
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The highest fencing token seen.</summary>
    public required long FencingToken { get; init; }

    /// <summary>Class of its store.</summary>
    public required StorageAccountType StorageAccountType { get; init; }

    /// <summary>Ordinal of its store.</summary>
    public required int Ordinal { get; init; }

    /// <summary>Its disks.</summary>
    public required IReadOnlyList<ReplicaDiskRecord> Disks { get; init; }

    /// <summary>Where it stands.</summary>
    public required ReplicaPhase Phase { get; init; }

    /// <summary>When it became ready.</summary>
    public DateTimeOffset? ReadyTime { get; init; }

    /// <summary>When every one of its blocks was last read and checked.</summary>
    public DateTimeOffset? LastVerifiedTime { get; init; }

    /// <summary>When it was dropped.</summary>
    public DateTimeOffset? DropTime { get; init; }

    /// <summary>Block bytes that came from other regions, as of the last time the record was written.</summary>
    public long TransferredBytes { get; init; }

    /// <summary>Where they came from.</summary>
    public string SourceRegion { get; init; } = "";

    /// <summary>Why the last attempt failed; empty when it did not.</summary>
    public string Details { get; init; } = "";

    /// <summary>Its store.</summary>
    [JsonIgnore]
    public StoreName Store => new(StorageAccountType, Ordinal);

    /// <summary>Occupied bytes of all its disks.</summary>
    [JsonIgnore]
    public long TotalBytes => Disks.Sum(disk => disk.OccupiedSize);
}

/// <summary>A disk of a replica.</summary>
/// <param name="Slot">`os`, or `lun` and the number.</param>
/// <param name="Digest">Its content.</param>
/// <param name="VirtualSize">Bytes of the disk.</param>
/// <param name="OccupiedSize">Bytes of its blocks.</param>
internal sealed record ReplicaDiskRecord(string Slot, string Digest, long VirtualSize, long OccupiedSize)
{
    /// <summary>Its content.</summary>
    [JsonIgnore]
    public BlockDigest Content { get; } = BlockDigest.Parse(Digest);
}

/// <summary>The encoding of replica records.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(ReplicaRecord))]
internal sealed partial class ReplicaJson : JsonSerializerContext;
