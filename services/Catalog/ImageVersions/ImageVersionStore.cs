using Gallery.Catalog.Activity;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Reads image versions, and says how one is written. What is written when is decided by the classes beside it.</summary>
internal sealed class ImageVersionStore(RedisStore store, ActivityLog log)
{
    /// <summary>Finds a version by its full name.</summary>
    public async Task<VersionRecord?> FindAsync(ResourceName name, CancellationToken cancellationToken)
    {
        var key = store.PartitionOf(name.SubscriptionId).Version(name);
        return VersionRecord.Parse(await store.Database.HashGetAsync(key, VersionRecord.Fields).WaitAsync(cancellationToken));
    }

    /// <summary>Finds a version, or refuses the request.</summary>
    public async Task<VersionRecord> RequireAsync(ResourceName name, CancellationToken cancellationToken) =>
        await FindAsync(name, cancellationToken) ?? throw GalleryError.NotFound(name.Noun, name.Value);

    /// <summary>Finds the definition that versions lie in.</summary>
    public Task<Stored<ImageDefinition>?> FindDefinitionAsync(ResourceName definition, CancellationToken cancellationToken) =>
        store.ReadAsync(store.PartitionOf(definition.SubscriptionId).Definition(definition), ImageDefinition.Parser, cancellationToken);

    /// <summary>Lists the versions of a definition by number.</summary>
    public async Task<ListImageVersionsResponse> ListAsync(
        ResourceName definition,
        PageRequest page,
        bool descending,
        CancellationToken cancellationToken
    )
    {
        if (await FindDefinitionAsync(definition, cancellationToken) is null)
        {
            throw GalleryError.NotFound(definition.Noun, definition.Value);
        }

        var partition = store.PartitionOf(definition.SubscriptionId);
        var (found, next) = await store.ReadPageAsync(
            partition.Versions(definition),
            page,
            member => partition.Version(definition.Child(ResourceKind.ImageVersion, VersionNumber.FromSortKey(member).ToString())),
            ImageVersion.Parser,
            cancellationToken,
            descending: descending
        );
        var response = new ListImageVersionsResponse { NextPageToken = next };
        response.ImageVersions.AddRange(found);
        return response;
    }

    /// <summary>Lists all versions of a partition by name.</summary>
    public async Task<ListVersionsForReconcileResponse> ListPartitionAsync(
        Partition partition,
        PageRequest page,
        CancellationToken cancellationToken
    )
    {
        var (found, next) = await store.ReadPageAsync(
            partition.AllVersions(),
            page,
            member => partition.Key("version", member),
            ImageVersion.Parser,
            cancellationToken
        );
        var response = new ListVersionsForReconcileResponse { PartitionCount = store.Partitions.Count, NextPageToken = next };
        response.ImageVersions.AddRange(found);
        return response;
    }

    /// <summary>Writes a version, and wakes who watches it.</summary>
    /// <param name="mutation">The step it belongs to.</param>
    /// <param name="name">Its name.</param>
    /// <param name="version">The version, with its new etag.</param>
    public static RedisMutation Put(RedisMutation mutation, ResourceName name, ImageVersion version)
    {
        var key = mutation.Partition.Version(name);
        return mutation.PutRecord(key, version, version.Etag).Publish(CatalogKeys.VersionChannel, key.ToString());
    }

    /// <summary>Writes that a change of the version begins, ending one that it takes the place of.</summary>
    public void Begin(RedisMutation mutation, ResourceName name, VersionRecord? replaced, ActivityLogEntry begun, DateTimeOffset now)
    {
        if (replaced?.Operation is { } earlier)
        {
            log.Append(mutation, ActivityEntries.Ended(earlier, succeeded: false, "Another change took its place.", now));
        }

        log.Append(mutation, begun);
        mutation.SetHashField(mutation.Partition.Version(name), VersionRecord.OperationField, begun.ToByteArray());
    }

    /// <summary>Writes that the change of a version that goes on has ended.</summary>
    public void End(RedisMutation mutation, ResourceName name, VersionRecord record, bool succeeded, string details, DateTimeOffset now)
    {
        if (record.Operation is { } begun)
        {
            log.Append(mutation, ActivityEntries.Ended(begun, succeeded, details, now));
            mutation.RemoveHashField(mutation.Partition.Version(name), VersionRecord.OperationField);
        }
    }

    /// <summary>Tells the other services of a change.</summary>
    public static void Tell(RedisMutation mutation, ResourceName name, ImageVersion version, ChangeType type) =>
        mutation.AppendEvent(
            new EventEnvelope
            {
                Subject = version.Name,
                SubscriptionId = name.SubscriptionId,
                ImageVersionChanged = new ImageVersionChanged
                {
                    Name = version.Name,
                    Uid = version.Uid,
                    Generation = version.Generation,
                    Change = type,
                },
            }
        );
}
