using System.ComponentModel.DataAnnotations;

namespace Gallery.Replication.Work;

/// <summary>Settings of the workers, section <c>Work</c>.</summary>
internal sealed class WorkOptions
{
    /// <summary>Copies that run at the same time in one region, for each process of this service.</summary>
    [Range(1, 64)]
    public int CopiesPerRegion { get; set; } = 12;

    /// <summary>
    /// How many of them may be of large contents, more than 64 MiB: the others are kept for small ones, which so never wait for a large one
    /// to end.
    /// </summary>
    [Range(1, 64)]
    public int LargeCopiesPerRegion { get; set; } = 2;

    /// <summary>
    /// Copies that run at the same time in all regions together, for each process of this service. One of each region does not count, so that
    /// slow regions can't stop another.
    /// </summary>
    [Range(1, 1024)]
    public int CopiesInTotal { get; set; } = 48;

    /// <summary>
    /// How much longer work must have waited than work one rank higher to be taken before it: first replicas rank before further ones, and
    /// small contents before large ones.
    /// </summary>
    public TimeSpan RankHandicap { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Replicas and uploads freed at the same time in one region, for each process of this service.</summary>
    [Range(1, 64)]
    public int ReleasesPerRegion { get; set; } = 2;

    /// <summary>How long a worker may be silent before another one takes its work over.</summary>
    public TimeSpan ClaimLease { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a node may send nothing during a pull before it counts as not answering.</summary>
    public TimeSpan SilenceLimit { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The first wait after a failed attempt; it doubles with each further one.</summary>
    public TimeSpan RetryBaseDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between attempts.</summary>
    public TimeSpan RetryMaxDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>By what share a wait is made longer or shorter at random, so that regions are not asked in step.</summary>
    [Range(0.0, 0.9)]
    public double RetryJitter { get; set; } = 0.2;

    /// <summary>For how long a replica is tried before it is given up (semantics 3.7: the official limit of patience is six hours).</summary>
    public TimeSpan RetryBudget { get; set; } = TimeSpan.FromHours(6);

    /// <summary>How often the queues are looked at when nothing wakes the workers.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often progress is written down at the most.</summary>
    public TimeSpan ProgressInterval { get; set; } = TimeSpan.FromMilliseconds(250);
}
