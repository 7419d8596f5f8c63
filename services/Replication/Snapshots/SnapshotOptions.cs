using System.ComponentModel.DataAnnotations;

namespace Gallery.Replication.Snapshots;

/// <summary>Settings of snapshots, section <c>Snapshots</c>.</summary>
internal sealed class SnapshotOptions
{
    /// <summary>The largest disk, in bytes as a machine sees it (semantics 10: 1 TiB).</summary>
    [Range(512, long.MaxValue)]
    public long MaxDiskBytes { get; set; } = 1L << 40;

    /// <summary>For how long an upload may lie uncommitted. Asking for a fresh grant begins it anew.</summary>
    public TimeSpan UploadLifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long a commit may take: the node reads the whole file.</summary>
    public TimeSpan CommitTimeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How often uploads that have expired, or are to be freed, are looked for.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The wait before freeing an upload is tried again.</summary>
    public TimeSpan ReleaseRetryDelay { get; set; } = TimeSpan.FromSeconds(10);
}
