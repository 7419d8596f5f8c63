using System.Globalization;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>
/// One of the fixed number of parts that the subscriptions are spread over. All keys of a partition carry its hash tag, so that one
/// script may touch them together on Redis Cluster as on a single server; the partitions of different services with the same number
/// lie together, too.
/// </summary>
/// <param name="Prefix">The owning service's key prefix, <c>cat:</c> for example.</param>
/// <param name="Number">From 0.</param>
public readonly record struct Partition(string Prefix, int Number)
{
    /// <summary>The hash tag: <c>{p03}</c>.</summary>
    public string Tag => string.Create(CultureInfo.InvariantCulture, $"{{p{Number:00}}}");

    /// <summary>The stream of the events that the owning service tells.</summary>
    public RedisKey Events => $"{Prefix}{Tag}:events";

    /// <summary>The same partition of another service.</summary>
    /// <param name="prefix">That service's key prefix.</param>
    public Partition Of(string prefix) => this with { Prefix = prefix };

    /// <summary>A key of this partition: <c>cat:{p03}:kind:rest</c>, the rest in lower case.</summary>
    /// <param name="kind">What the key holds: one word.</param>
    /// <param name="rest">What it belongs to; parts are joined by colons.</param>
    public RedisKey Key(string kind, params ReadOnlySpan<string> rest) =>
        rest.Length == 0 ? $"{Prefix}{Tag}:{kind}" : $"{Prefix}{Tag}:{kind}:{string.Join(':', rest!).ToLowerInvariant()}";
}
