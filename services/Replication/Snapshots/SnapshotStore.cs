using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;
using StackExchange.Redis;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Snapshots;

/// <summary>Keeps snapshots. What is dropped leaves an entry by which its bytes are freed, in the same step.</summary>
internal sealed partial class SnapshotStore(RedisStore redis, TimeProvider clock)
{
    /// <summary>Uploads that are not committed, by the time they expire.</summary>
    public static RedisKey Expiring(Partition partition) => partition.Key("uploads");

    /// <summary>Upload ids that are to be freed on the node of a region, by the time the next attempt is due.</summary>
    public static RedisKey Releases(Partition partition, string region) => partition.Key("free-uploads", region);

    /// <summary>Reads a snapshot; null when there is none.</summary>
    public async Task<V1.Snapshot?> ReadAsync(ResourceName name, CancellationToken cancellationToken) =>
        (await redis.ReadAsync(KeyOf(name), V1.Snapshot.Parser, cancellationToken))?.Value;

    /// <summary>Keeps a new snapshot. False when the name is taken.</summary>
    public async Task<bool> TryAddAsync(ResourceName name, V1.Snapshot snapshot, CancellationToken cancellationToken)
    {
        var taken = GalleryError.AlreadyExists(name.Noun, name.Value);
        var mutation = new RedisMutation(PartitionOf(name))
            .RequireAbsent(KeyOf(name), () => taken)
            .PutRecord(KeyOf(name), snapshot, snapshot.Etag)
            .AddToIndex(IndexOf(name.Parent!), name.Key)
            .AddToIndex(IndexOf(name.Ancestor(ResourceKind.Subscription)!), name.Key)
            .AddToIndex(Expiring(PartitionOf(name)), name.Key, Score(snapshot.ExpireTime));
        return await redis.TryExecuteAsync(mutation, taken, cancellationToken);
    }

    /// <summary>Gives an open upload more time. False when the snapshot was changed meanwhile.</summary>
    public async Task<bool> TryExtendAsync(ResourceName name, string etag, V1.Snapshot snapshot, CancellationToken cancellationToken)
    {
        var changed = GalleryError.EtagMismatch(name.Value);
        var mutation = new RedisMutation(PartitionOf(name))
            .RequireEtag(KeyOf(name), etag, () => changed)
            .PutRecord(KeyOf(name), snapshot, snapshot.Etag)
            .AddToIndex(Expiring(PartitionOf(name)), name.Key, Score(snapshot.ExpireTime));
        return await redis.TryExecuteAsync(mutation, changed, cancellationToken);
    }

    /// <summary>Keeps a committed snapshot, and tells of it. False when the snapshot was changed meanwhile.</summary>
    public async Task<bool> TryCommitAsync(ResourceName name, string etag, V1.Snapshot snapshot, CancellationToken cancellationToken)
    {
        var changed = GalleryError.EtagMismatch(name.Value);
        var mutation = new RedisMutation(PartitionOf(name))
            .RequireEtag(KeyOf(name), etag, () => changed)
            .PutRecord(KeyOf(name), snapshot, snapshot.Etag)
            .RemoveFromIndex(Expiring(PartitionOf(name)), name.Key)
            .AppendEvent(Changed(name, snapshot, ChangeType.Created));
        return await redis.TryExecuteAsync(EndImport(mutation, PartitionOf(name), name, snapshot), changed, cancellationToken);
    }

    /// <summary>Drops a snapshot; its bytes are freed later. False when the snapshot was changed meanwhile.</summary>
    public async Task<bool> TryDropAsync(ResourceName name, V1.Snapshot snapshot, CancellationToken cancellationToken)
    {
        var changed = GalleryError.EtagMismatch(name.Value);
        var partition = PartitionOf(name);
        var mutation = new RedisMutation(partition)
            .RequireEtag(KeyOf(name), snapshot.Etag, () => changed)
            .DeleteKey(KeyOf(name))
            .RemoveFromIndex(IndexOf(name.Parent!), name.Key)
            .RemoveFromIndex(IndexOf(name.Ancestor(ResourceKind.Subscription)!), name.Key)
            .RemoveFromIndex(Expiring(partition), name.Key)
            .AddToIndex(Releases(partition, snapshot.Region), snapshot.Uid, clock.GetUtcNow().ToUnixTimeMilliseconds());
        if (snapshot.State == V1.SnapshotState.Ready)
        {
            mutation.AppendEvent(Changed(name, snapshot, ChangeType.Deleted));
        }

        return await redis.TryExecuteAsync(EndImport(mutation, partition, name, snapshot), changed, cancellationToken);
    }

    /// <summary>Drops an upload that can't become a snapshot, unless it is gone or another one already.</summary>
    public async Task DropUploadAsync(ResourceName name, string uid, CancellationToken cancellationToken)
    {
        while (await ReadAsync(name, cancellationToken) is { State: V1.SnapshotState.Uploading } snapshot && snapshot.Uid == uid)
        {
            if (await TryDropAsync(name, snapshot, cancellationToken))
            {
                return;
            }
        }
    }

    /// <summary>A page of the snapshots of a resource group or a subscription, by name.</summary>
    public async Task<(IReadOnlyList<V1.Snapshot> Snapshots, string NextPageToken)> ListAsync(
        ResourceName parent,
        PageRequest page,
        CancellationToken cancellationToken
    )
    {
        var index = await redis.ReadIndexAsync(IndexOf(parent), page, cancellationToken);
        var partition = PartitionOf(parent);
        var records = await redis.ReadManyAsync(
            [.. index.Members.Select(member => partition.Key("snapshot", member))],
            V1.Snapshot.Parser,
            cancellationToken
        );
        return ([.. records.OfType<Stored<V1.Snapshot>>().Select(record => record.Value)], index.NextPageToken);
    }

    /// <summary>The uploads in a region that disks were made from; empty unless all of them are still there with the same bytes.</summary>
    public async Task<IReadOnlyList<string>> FindUploadsAsync(
        string region,
        IEnumerable<DiskContent> disks,
        CancellationToken cancellationToken
    )
    {
        var uploads = new List<string>();
        foreach (var disk in disks)
        {
            if (
                !ResourceName.TryParse(disk.SourceSnapshot, ResourceKind.Snapshot, out var name)
                || await ReadAsync(name, cancellationToken) is not { State: V1.SnapshotState.Ready } snapshot
                || snapshot.Region != region
                || snapshot.Content.Digest != disk.Content.Digest
            )
            {
                return [];
            }

            uploads.Add(snapshot.Uid);
        }

        return uploads;
    }

    private static EventEnvelope Changed(ResourceName name, V1.Snapshot snapshot, ChangeType change) =>
        new()
        {
            Subject = name.Value,
            SubscriptionId = name.SubscriptionId,
            SnapshotChanged = new SnapshotChanged
            {
                Name = snapshot.Name,
                Uid = snapshot.Uid,
                Change = change,
                Region = snapshot.Region,
                Content = snapshot.Content,
            },
        };

    private static double Score(Timestamp time) => time.ToDateTimeOffset().ToUnixTimeMilliseconds();

    private Partition PartitionOf(ResourceName name) => redis.PartitionOf(name.SubscriptionId);

    private RedisKey KeyOf(ResourceName name) => PartitionOf(name).Key("snapshot", name.Key);

    private RedisKey IndexOf(ResourceName parent) => PartitionOf(parent).Key("snapshots", parent.Key);
}
