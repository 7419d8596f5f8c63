using System.Globalization;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using StackExchange.Redis;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Snapshots;

/// <summary>Keeps the snapshots that are being imported: by region, by the time they are to be looked at next.</summary>
internal sealed partial class SnapshotStore
{
    /// <summary>Imports of a region, by the time they are due.</summary>
    public static RedisKey Importing(Partition partition, string region) => partition.Key("imports", region);

    /// <summary>Encrypted addresses of imports, by the uid of the snapshot.</summary>
    private static RedisKey Addresses(Partition partition) => partition.Key("import-addresses");

    /// <summary>How far imports were when they stopped to go on, and since when, by the uid of the snapshot.</summary>
    private static RedisKey Stalls(Partition partition) => partition.Key("import-stalls");

    /// <summary>Keeps a new import. False when the name is taken.</summary>
    public async Task<bool> TryAddImportAsync(ResourceName name, V1.Snapshot snapshot, byte[] address, CancellationToken cancellationToken)
    {
        var taken = GalleryError.AlreadyExists(name.Noun, name.Value);
        var partition = PartitionOf(name);
        var mutation = new RedisMutation(partition)
            .RequireAbsent(KeyOf(name), () => taken)
            .PutRecord(KeyOf(name), snapshot, snapshot.Etag)
            .AddToIndex(IndexOf(name.Parent!), name.Key)
            .AddToIndex(IndexOf(name.Ancestor(ResourceKind.Subscription)!), name.Key)
            .AddToIndex(Importing(partition, snapshot.Region), name.Key, clock.GetUtcNow().ToUnixTimeMilliseconds())
            .SetHashField(Addresses(partition), snapshot.Uid, address);
        return await redis.TryExecuteAsync(mutation, taken, cancellationToken);
    }

    /// <summary>Gives an import a fresh address, and has it looked at at once. False when the snapshot was changed meanwhile.</summary>
    public Task<bool> TryRenewImportAsync(
        ResourceName name,
        string etag,
        V1.Snapshot snapshot,
        byte[] address,
        CancellationToken cancellationToken
    ) =>
        TryChangeAsync(
            name,
            etag,
            snapshot,
            (mutation, partition) =>
                mutation
                    .SetHashField(Addresses(partition), snapshot.Uid, address)
                    .AddToIndex(Importing(partition, snapshot.Region), name.Key, clock.GetUtcNow().ToUnixTimeMilliseconds()),
            cancellationToken
        );

    /// <summary>Keeps how far an import is. False when the snapshot was changed meanwhile.</summary>
    public Task<bool> TryUpdateImportAsync(ResourceName name, string etag, V1.Snapshot snapshot, CancellationToken cancellationToken) =>
        TryChangeAsync(name, etag, snapshot, (mutation, _) => mutation, cancellationToken);

    /// <summary>Ends an import that can't be done: its address is forgotten, and what arrived is freed. False when it was changed meanwhile.</summary>
    public Task<bool> TryFailImportAsync(ResourceName name, string etag, V1.Snapshot snapshot, CancellationToken cancellationToken) =>
        TryChangeAsync(
            name,
            etag,
            snapshot,
            (mutation, partition) =>
                EndImport(mutation, partition, name, snapshot)
                    .AddToIndex(Releases(partition, snapshot.Region), snapshot.Uid, clock.GetUtcNow().ToUnixTimeMilliseconds()),
            cancellationToken
        );

    /// <summary>The encrypted address of an import; null when it has ended.</summary>
    public async Task<byte[]?> ReadAddressAsync(ResourceName name, string uid, CancellationToken cancellationToken) =>
        await redis.Database.HashGetAsync(Addresses(PartitionOf(name)), uid).WaitAsync(cancellationToken);

    /// <summary>Imports of a region that are due.</summary>
    public async Task<IReadOnlyList<ResourceName>> DueImportsAsync(
        Partition partition,
        string region,
        int most,
        CancellationToken cancellationToken
    )
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var members = await redis
            .Database.SortedSetRangeByScoreAsync(Importing(partition, region), stop: now, take: most)
            .WaitAsync(cancellationToken);
        var names = new List<ResourceName>();
        foreach (var member in members)
        {
            if (ResourceName.TryParse(member.ToString(), ResourceKind.Snapshot, out var name))
            {
                names.Add(name);
            }
        }

        return names;
    }

    /// <summary>Has an import looked at again after a while, if it is still going on.</summary>
    public async Task PostponeImportAsync(ResourceName name, string region, TimeSpan delay, CancellationToken cancellationToken) =>
        await redis
            .Database.SortedSetAddAsync(
                Importing(PartitionOf(name), region),
                name.Key,
                (clock.GetUtcNow() + delay).ToUnixTimeMilliseconds(),
                When.Exists
            )
            .WaitAsync(cancellationToken);

    /// <summary>Since when an import has stood where it stands.</summary>
    /// <param name="name">The snapshot.</param>
    /// <param name="uid">Its uid.</param>
    /// <param name="doneBytes">Where it stands.</param>
    /// <param name="now">The time now, kept when it has moved since it was asked last.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<DateTimeOffset> StallSinceAsync(
        ResourceName name,
        string uid,
        long doneBytes,
        DateTimeOffset now,
        CancellationToken cancellationToken
    )
    {
        var key = Stalls(PartitionOf(name));
        var kept = (await redis.Database.HashGetAsync(key, uid).WaitAsync(cancellationToken)).ToString().Split(' ');
        if (
            kept is [var done, var since]
            && done == doneBytes.ToString(CultureInfo.InvariantCulture)
            && long.TryParse(since, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
        )
        {
            return DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
        }

        var value = string.Create(CultureInfo.InvariantCulture, $"{doneBytes} {now.ToUnixTimeMilliseconds()}");
        await redis.Database.HashSetAsync(key, uid, value).WaitAsync(cancellationToken);
        return now;
    }

    /// <summary>Takes what is no import any more out of the index, unless it has become another one since it was read.</summary>
    public async Task ForgetImportAsync(ResourceName name, string region, V1.Snapshot? asRead, CancellationToken cancellationToken)
    {
        var changed = GalleryError.EtagMismatch(name.Value);
        var partition = PartitionOf(name);
        var mutation = new RedisMutation(partition);
        mutation = asRead is null
            ? mutation.RequireAbsent(KeyOf(name), () => changed)
            : mutation.RequireEtag(KeyOf(name), asRead.Etag, () => changed);
        await redis.TryExecuteAsync(mutation.RemoveFromIndex(Importing(partition, region), name.Key), changed, cancellationToken);
    }

    /// <summary>Has the node drop an upload that belongs to no snapshot any more.</summary>
    public async Task ReleaseAsync(ResourceName name, string region, string uid, CancellationToken cancellationToken) =>
        await redis
            .Database.SortedSetAddAsync(Releases(PartitionOf(name), region), uid, clock.GetUtcNow().ToUnixTimeMilliseconds())
            .WaitAsync(cancellationToken);

    private static RedisMutation EndImport(RedisMutation mutation, Partition partition, ResourceName name, V1.Snapshot snapshot) =>
        snapshot.Import is null
            ? mutation
            : mutation
                .RemoveFromIndex(Importing(partition, snapshot.Region), name.Key)
                .RemoveHashField(Addresses(partition), snapshot.Uid)
                .RemoveHashField(Stalls(partition), snapshot.Uid);

    private async Task<bool> TryChangeAsync(
        ResourceName name,
        string etag,
        V1.Snapshot snapshot,
        Func<RedisMutation, Partition, RedisMutation> more,
        CancellationToken cancellationToken
    )
    {
        var changed = GalleryError.EtagMismatch(name.Value);
        var partition = PartitionOf(name);
        var mutation = new RedisMutation(partition)
            .RequireEtag(KeyOf(name), etag, () => changed)
            .PutRecord(KeyOf(name), snapshot, snapshot.Etag);
        return await redis.TryExecuteAsync(more(mutation, partition), changed, cancellationToken);
    }
}
