using System.ComponentModel.DataAnnotations;
using Gallery.Region.Stores.Objects;
using Gallery.Region.Stores.Segments;
using Microsoft.Extensions.Options;

namespace Gallery.Region;

/// <summary>Settings of a node, section `Region`.</summary>
internal sealed class RegionOptions
{
    /// <summary>The region it serves, `eastus` for example.</summary>
    [Required, RegularExpression("[a-z0-9]{1,64}")]
    public string Name { get; set; } = "";

    /// <summary>Zones of the region: 1 or 3. Each is a folder `zone1`, … below the data folder; mount disks there.</summary>
    [AllowedValues(1, 3)]
    public int Zones { get; set; } = 1;

    /// <summary>Where the bytes are kept; with object storage, where files on their way in are noted.</summary>
    [Required]
    public string DataPath { get; set; } = "";

    /// <summary>What the stores lie on: local disks, Azure Blob Storage, or S3.</summary>
    [EnumDataType(typeof(StoreKind))]
    public StoreKind Store { get; set; } = StoreKind.Disk;

    /// <summary>Where they lie when they lie on object storage.</summary>
    [ValidateObjectMembers]
    public ObjectOptions Objects { get; set; } = new();

    /// <summary>Bytes that the node may use; 0 means as many as the disks hold.</summary>
    [Range(0, long.MaxValue)]
    public long CapacityBytes { get; set; }

    /// <summary>The largest disk that is taken in, in bytes.</summary>
    [Range(512, 1L << 46)]
    public long MaxDiskBytes { get; set; } = 1L << 40;

    /// <summary>Bytes at which a segment file is full.</summary>
    [Range(8 << 20, 2L << 30)]
    public long SegmentBytes { get; set; } = SegmentStore.DefaultSegmentBytes;

    /// <summary>How long an upload may stay uncommitted.</summary>
    public TimeSpan UploadLifetime { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How often what nothing refers to is looked for.</summary>
    public TimeSpan CollectionInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it is looked whether every zone can be used.</summary>
    public TimeSpan ZoneCheckInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Bytes a second that are read in the background to find rot; 0 turns it off.</summary>
    [Range(0, int.MaxValue)]
    public long ScrubBytesPerSecond { get; set; } = 8 << 20;

    /// <summary>How long after the beginning of one pass of the scrub over a store the next one begins, at the earliest.</summary>
    public TimeSpan ScrubInterval { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Bytes a second that may be written again to give back the room of dropped contents; 0 for no limit.</summary>
    [Range(0, int.MaxValue)]
    public long CompactionBytesPerSecond { get; set; } = 64 << 20;

    /// <summary>Bytes a second that pulls from other regions may take together; 0 for no limit.</summary>
    [Range(0, int.MaxValue)]
    public long MaxTransferBytesPerSecond { get; set; }

    /// <summary>Reads of one replica that may go on at once, over HTTP and gRPC together; further ones are refused. 0 for no limit.</summary>
    [Range(0, 1_000_000)]
    public int MaxReplicaReaders { get; set; }

    /// <summary>Bytes a second that the readers of one replica may take together, at least 64 KiB; they wait for their share. 0 for no limit.</summary>
    [Range(0, int.MaxValue)]
    public long MaxReplicaBytesPerSecond { get; set; }

    /// <summary>Bytes of memory in which blocks are kept that were read, for all readers of the node together; 0 keeps none.</summary>
    [Range(0, 1L << 40)]
    public long CacheBytes { get; set; } = 64 << 20;

    /// <summary>Bytes that are got ready for one connection ahead of what it has taken: more is faster, and is taken up by each slow reader.</summary>
    [Range(64 << 10, 16 << 20)]
    public int SendBufferBytes { get; set; } = 128 << 10;

    /// <summary>Pulls that may run at once; further ones wait.</summary>
    [Range(1, 1000)]
    public int MaxRunningPulls { get; set; } = 16;

    /// <summary>A source that sends nothing for so long is given up.</summary>
    public TimeSpan SourceTimeout { get; set; } = TimeSpan.FromSeconds(20);
}
