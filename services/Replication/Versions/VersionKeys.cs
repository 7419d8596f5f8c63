using System.Globalization;
using Gallery.Replication.Work;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using StackExchange.Redis;

namespace Gallery.Replication.Versions;

/// <summary>Where things of versions lie in Redis. All keys of a version are of its subscription's partition.</summary>
internal static class VersionKeys
{
    /// <summary>The document of a version: a hash with the record (<c>p</c>), the etag (<c>e</c>), and a field a replica for each of the below.</summary>
    public static RedisKey Document(Partition partition, ResourceName version) => partition.Key("version", version.Key);

    /// <summary>The names of all versions that have a document, in lower case.</summary>
    public static RedisKey All(Partition partition) => partition.Key("versions");

    /// <summary>
    /// The queues of a lane of a region that hold work, by a time before which none of their work is due. Its members are names of queues.
    /// </summary>
    public static RedisKey Queues(Partition partition, Lane lane, string region) =>
        partition.Key(lane == Lane.Copy ? "copy" : "free", region);

    /// <summary>The name of a queue: each subscription has its own in a region, one a rank, so that none waits behind another's.</summary>
    public static string QueueName(string subscription, Rank rank) =>
        FormattableString.Invariant($"{subscription.ToLowerInvariant()}:{(int)rank}");

    /// <summary>Reads what <see cref="QueueName"/> wrote.</summary>
    public static (string Subscription, Rank Rank) ParseQueueName(string name)
    {
        var colon = name.LastIndexOf(':');
        return (name[..colon], (Rank)(name[^1] - '0'));
    }

    /// <summary>A queue: replicas with work, by the time it is due. Scripts make its key from that of <see cref="Queues"/> the same way.</summary>
    public static RedisKey Queue(Partition partition, Lane lane, string region, string name) =>
        Queues(partition, lane, region).Append(":" + name);

    /// <summary>The replicas that wait for a region to come back.</summary>
    public static RedisKey Blocked(Partition partition, string region) => partition.Key("blocked", region);

    /// <summary>The replicas of a version in a region that can be read, by the machines that hold a lease on them.</summary>
    public static RedisKey Serving(Partition partition, ResourceName version, string region) => partition.Key("serve", version.Key, region);

    /// <summary>The regions of versions where the number of replicas follows the load.</summary>
    public static RedisKey Scaled(Partition partition) => partition.Key("scaled");

    /// <summary>Machines that did not fit on the replicas of a version in a region lately.</summary>
    public static RedisKey Unmet(Partition partition, ResourceName version, string region) => partition.Key("unmet", version.Key, region);

    /// <summary>The versions of a definition that <c>latest</c> may mean in a region, so written that the order of bytes is theirs.</summary>
    public static RedisKey Latest(Partition partition, ResourceName definition, string region) =>
        partition.Key("latest", definition.Key, region);

    /// <summary>The field of a replica's record.</summary>
    public static string ReplicaField(string uid) => "r:" + uid;

    /// <summary>The field of a replica's claim.</summary>
    public static string ClaimField(string uid) => "c:" + uid;

    /// <summary>The field of a replica's progress.</summary>
    public static string ProgressField(string uid) => "g:" + uid;

    /// <summary>A replica's entry in the queues.</summary>
    public static string Member(ResourceName version, string uid) => $"{version.Key}|{uid}";

    /// <summary>Reads what <see cref="Member"/> wrote.</summary>
    public static (ResourceName Version, string Uid)? ParseMember(string member)
    {
        var bar = member.IndexOf('|', StringComparison.Ordinal);
        return bar > 0 && ResourceName.TryParse(member[..bar], ResourceKind.ImageVersion, out var version)
            ? (version, member[(bar + 1)..])
            : null;
    }

    /// <summary>A version's entry among those that <c>latest</c> may mean; null for a name that is not three numbers.</summary>
    public static string? LatestMember(ResourceName version)
    {
        var parts = version.Id.Split('.');
        Span<int> numbers = stackalloc int[3];
        if (parts.Length != 3)
        {
            return null;
        }

        for (var index = 0; index < 3; index++)
        {
            if (!int.TryParse(parts[index], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[index]))
            {
                return null;
            }
        }

        return string.Create(
            CultureInfo.InvariantCulture,
            $"{numbers[0]:D10}.{numbers[1]:D10}.{numbers[2]:D10}|{version.Id.ToLowerInvariant()}"
        );
    }

    /// <summary>The version's own name in an entry made by <see cref="LatestMember"/>.</summary>
    public static string VersionIdOf(string latestMember) => latestMember[(latestMember.IndexOf('|', StringComparison.Ordinal) + 1)..];
}
