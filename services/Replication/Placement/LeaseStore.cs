using System.Globalization;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.Replication.Placement;

/// <summary>
/// Keeps the leases of machines on replicas. Which replica is how loaded, and which leases make up the load, changes in one step, so a
/// replica never serves more machines than it can, however many callers place at once.
/// </summary>
internal sealed class LeaseStore(
    RedisStore redis,
    IOptions<PlacementOptions> options,
    IOptions<RedisStoreOptions> storeOptions,
    TimeProvider clock
)
{
    private const int MostReplicas = 100;

    private static readonly string PlaceScript = Scripts.Read("place.lua");
    private static readonly string SettleScript = Scripts.Read("settle-leases.lua");
    private static readonly string RenewScript = Scripts.Read("renew-lease.lua");
    private static readonly string ReleaseScript = Scripts.Read("release-lease.lua");
    private static readonly RedisValue[] MemoFields = ["h", "a", "s"];
    private static readonly RedisValue[] LeaseFields = ["v", "r", "u", "m", "x"];

    /// <summary>The regions of versions that have leases, by the time the next one ends.</summary>
    public static RedisKey Leasing(Partition partition) => partition.Key("leasing");

    /// <summary>Reads an entry of <see cref="Leasing"/>.</summary>
    public static (ResourceName Version, string Region)? ParseLeasing(string entry)
    {
        var bar = entry.IndexOf('|', StringComparison.Ordinal);
        return bar > 0 && ResourceName.TryParse(entry[..bar], ResourceKind.ImageVersion, out var version)
            ? (version, entry[(bar + 1)..])
            : null;
    }

    /// <summary>The leases that an earlier request with the same request id got; null when there was none.</summary>
    public async Task<PlacementOutcome?> FindAsync(string subscriptionId, RequestMemo? memo, CancellationToken cancellationToken)
    {
        if (
            memo is null
            || await redis.Database.HashGetAsync(memo.Key, MemoFields).WaitAsync(cancellationToken)
                is not [{ IsNull: false } hash, var ids, var spread]
        )
        {
            return null;
        }

        return ((byte[])hash!).AsSpan().SequenceEqual(memo.Hash)
            ? await AgainAsync(subscriptionId, ids.ToString(), spread.ToString(), cancellationToken)
            : throw GalleryError.RequestIdReused(memo.RequestId);
    }

    /// <summary>Places machines, all or none. Null when no replica serves.</summary>
    /// <param name="version">The version.</param>
    /// <param name="region">The region.</param>
    /// <param name="machines">How many.</param>
    /// <param name="uidPrefix">The beginning of the uids of the replicas that may be taken.</param>
    /// <param name="lease">How long the leases last.</param>
    /// <param name="memo">The request's memo.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<PlacementOutcome?> PlaceAsync(
        ResourceName version,
        string region,
        int machines,
        string uidPrefix,
        TimeSpan lease,
        RequestMemo? memo,
        CancellationToken cancellationToken
    )
    {
        var partition = redis.PartitionOf(version.SubscriptionId);
        var now = clock.GetUtcNow();
        var batch = Guid.NewGuid().ToString("N");
        RedisKey[] keys =
        [
            VersionKeys.Serving(partition, version, region),
            Ends(partition, version, region),
            All(partition, version),
            Leasing(partition),
            memo?.Key ?? partition.Key("req"),
            VersionKeys.Unmet(partition, version, region),
            .. Enumerable
                .Range(1, Math.Min(machines, MostReplicas))
                .Select(number => KeyOf(partition, FormattableString.Invariant($"{batch}-{number}"))),
        ];
        RedisValue[] arguments =
        [
            now.ToUnixTimeMilliseconds(),
            machines,
            options.Value.MachinesPerReplica,
            (now + lease).ToUnixTimeMilliseconds(),
            batch,
            LeasingEntry(version, region),
            uidPrefix,
            memo is null ? RedisValue.EmptyString : memo.Hash,
            (long)storeOptions.Value.RequestMemory.TotalMilliseconds,
            (long)(lease + options.Value.LeaseMemory).TotalMilliseconds,
            version.Value,
            region,
            (long)options.Value.UnmetMemory.TotalMilliseconds,
        ];
        var answer = (RedisResult[])(await redis.Database.ScriptEvaluateAsync(PlaceScript, keys, arguments).WaitAsync(cancellationToken))!;
        switch ((string)answer[0]!)
        {
            case "again":
                return await AgainAsync(version.SubscriptionId, (string)answer[1]!, (string)answer[2]!, cancellationToken);
            case "reused":
                throw GalleryError.RequestIdReused(memo!.RequestId);
            case "none":
                return null;
            case "full":
                return new PlacementOutcome(
                    [],
                    [],
                    (int)answer[1],
                    (int)answer[2],
                    (int)answer[3],
                    DateTimeOffset.FromUnixTimeMilliseconds(long.Parse((string)answer[4]!, CultureInfo.InvariantCulture))
                );
            default:
                var leases = answer
                    .Skip(2)
                    .Chunk(3)
                    .Select(made => new StoredLease(
                        new LeaseName(version.SubscriptionId, (string)made[0]!),
                        version,
                        region,
                        (string)made[1]!,
                        int.Parse((string)made[2]!, CultureInfo.InvariantCulture),
                        now + lease
                    ));
                return Placed([.. leases], (string)answer[1]!);
        }
    }

    /// <summary>How many machines hold leases on each serving replica, by uid. Leases that have expired are let go of first.</summary>
    public async Task<IReadOnlyDictionary<string, int>> LoadsAsync(ResourceName version, string region, CancellationToken cancellationToken)
    {
        var partition = redis.PartitionOf(version.SubscriptionId);
        RedisKey[] keys =
        [
            VersionKeys.Serving(partition, version, region),
            Ends(partition, version, region),
            All(partition, version),
            Leasing(partition),
        ];
        RedisValue[] arguments = [clock.GetUtcNow().ToUnixTimeMilliseconds(), LeasingEntry(version, region)];
        var answer = (RedisResult[])(await redis.Database.ScriptEvaluateAsync(SettleScript, keys, arguments).WaitAsync(cancellationToken))!;
        return answer.Chunk(2).ToDictionary(pair => (string)pair[0]!, pair => Math.Max(0, (int)(double)pair[1]));
    }

    /// <summary>Machines of the largest placement that did not fit lately; 0 when all did.</summary>
    public async Task<int> UnmetAsync(ResourceName version, string region, CancellationToken cancellationToken) =>
        (int)
            await redis
                .Database.StringGetAsync(VersionKeys.Unmet(redis.PartitionOf(version.SubscriptionId), version, region))
                .WaitAsync(cancellationToken);

    /// <summary>Reads a lease; null when it is not remembered any more.</summary>
    public async Task<StoredLease?> ReadAsync(LeaseName name, CancellationToken cancellationToken)
    {
        var fields = await redis
            .Database.HashGetAsync(KeyOf(redis.PartitionOf(name.SubscriptionId), name.Id), LeaseFields)
            .WaitAsync(cancellationToken);
        return fields[0].IsNull || !ResourceName.TryParse(fields[0].ToString(), ResourceKind.ImageVersion, out var version)
            ? null
            : new StoredLease(
                name,
                version,
                fields[1].ToString(),
                fields[2].ToString(),
                (int)fields[3],
                DateTimeOffset.FromUnixTimeMilliseconds((long)fields[4])
            );
    }

    /// <summary>A page of a version's leases that are on.</summary>
    public async Task<(IReadOnlyList<StoredLease> Leases, string NextPageToken)> ListAsync(
        ResourceName version,
        PageRequest page,
        CancellationToken cancellationToken
    )
    {
        var index = await redis.ReadIndexAsync(All(redis.PartitionOf(version.SubscriptionId), version), page, cancellationToken);
        var leases = await Task.WhenAll(
            index.Members.Select(id => ReadAsync(new LeaseName(version.SubscriptionId, id), cancellationToken))
        );
        return ([.. leases.OfType<StoredLease>().Where(lease => lease.ExpireTime > clock.GetUtcNow())], index.NextPageToken);
    }

    /// <summary>Makes a lease last longer. Null when it has ended, or its replica is out of service.</summary>
    public async Task<StoredLease?> RenewAsync(StoredLease lease, TimeSpan duration, CancellationToken cancellationToken)
    {
        var partition = redis.PartitionOf(lease.Version.SubscriptionId);
        var now = clock.GetUtcNow();
        RedisKey[] keys =
        [
            VersionKeys.Serving(partition, lease.Version, lease.Region),
            Ends(partition, lease.Version, lease.Region),
            KeyOf(partition, lease.Name.Id),
        ];
        RedisValue[] arguments =
        [
            now.ToUnixTimeMilliseconds(),
            lease.Entry,
            lease.ReplicaUid,
            (now + duration).ToUnixTimeMilliseconds(),
            (long)(duration + options.Value.LeaseMemory).TotalMilliseconds,
        ];
        return (int)await redis.Database.ScriptEvaluateAsync(RenewScript, keys, arguments).WaitAsync(cancellationToken) == 1
            ? lease with
            {
                ExpireTime = DateTimeOffset.FromUnixTimeMilliseconds((now + duration).ToUnixTimeMilliseconds()),
            }
            : null;
    }

    /// <summary>Ends a lease.</summary>
    public Task ReleaseAsync(StoredLease lease, CancellationToken cancellationToken)
    {
        var partition = redis.PartitionOf(lease.Version.SubscriptionId);
        RedisKey[] keys =
        [
            VersionKeys.Serving(partition, lease.Version, lease.Region),
            Ends(partition, lease.Version, lease.Region),
            All(partition, lease.Version),
            KeyOf(partition, lease.Name.Id),
        ];
        RedisValue[] arguments = [lease.Entry, lease.ReplicaUid, lease.Machines, lease.Name.Id];
        return redis.Database.ScriptEvaluateAsync(ReleaseScript, keys, arguments).WaitAsync(cancellationToken);
    }

    private async Task<PlacementOutcome> AgainAsync(string subscriptionId, string ids, string spread, CancellationToken cancellationToken)
    {
        var leases = await Task.WhenAll(ids.Split(',').Select(id => ReadAsync(new LeaseName(subscriptionId, id), cancellationToken)));
        return Placed([.. leases.OfType<StoredLease>()], spread);
    }

    private static PlacementOutcome Placed(IReadOnlyList<StoredLease> leases, string spread) =>
        new(leases, ReplicaSpread.Parse(spread), 0, 0, 0, default);

    private static string LeasingEntry(ResourceName version, string region) => $"{version.Key}|{region}";

    private static RedisKey Ends(Partition partition, ResourceName version, string region) =>
        partition.Key("lease-ends", version.Key, region);

    private static RedisKey All(Partition partition, ResourceName version) => partition.Key("leases", version.Key);

    private static RedisKey KeyOf(Partition partition, string id) => partition.Key("lease", id);
}
