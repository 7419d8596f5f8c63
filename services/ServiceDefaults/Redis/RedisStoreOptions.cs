using System.ComponentModel.DataAnnotations;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>Settings of the store, section <c>Redis</c>.</summary>
public sealed class RedisStoreOptions
{
    /// <summary>
    /// Over how many partitions subscriptions are spread. Fixed at installation: a service refuses to start with another number.
    /// </summary>
    [Range(1, 99)]
    public int Partitions { get; set; } = 8;

    /// <summary>For how long the answer to a request id is kept.</summary>
    public TimeSpan RequestMemory { get; set; } = TimeSpan.FromHours(24);
}
