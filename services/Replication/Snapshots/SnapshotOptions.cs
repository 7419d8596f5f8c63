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

    /// <summary>How often a running import is looked at.</summary>
    public TimeSpan ImportPollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest pause between attempts of an import whose source or region does not answer. The first is a second; they double.</summary>
    public TimeSpan ImportRetryMaxDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>An import of which nothing has arrived for so long is given up.</summary>
    public TimeSpan ImportRetryBudget { get; set; } = TimeSpan.FromHours(6);

    /// <summary>Imports of one region that are looked at at the same time.</summary>
    [Range(1, 100)]
    public int ImportsAtOnce { get; set; } = 8;

    /// <summary>The wait before freeing an upload is tried again.</summary>
    public TimeSpan ReleaseRetryDelay { get; set; } = TimeSpan.FromSeconds(10);
}
