using Gallery.Catalog.Activity;
using Gallery.Catalog.ImageVersions;
using Gallery.Catalog.Quotas;
using Gallery.Catalog.Regions;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace Gallery.Catalog.ImageDefinitions;

/// <summary>Keeps image definitions. Each change is one atomic step with its quota, activity entry and event.</summary>
internal sealed class ImageDefinitionStore(RedisStore store, RegionCatalog regions, Quota quota, ActivityLog log, TimeProvider clock)
{
    /// <summary>Creates a definition.</summary>
    public async Task<CreateImageDefinitionResponse> CreateAsync(Change change, ResourceName gallery, CreateImageDefinitionRequest request)
    {
        var name = change.Name;
        var now = clock.GetUtcNow();
        var definition = ImageDefinitionRules.Shape.WithoutOutput(request.ImageDefinition ?? new ImageDefinition());
        var violations = new Violations();
        ValueRules.Name(violations, "image_definition_id", request.ImageDefinitionId, withDash: true);
        violations.AddIf(request.ImageDefinition is null, "image_definition", "Must be set.");
        violations.AddIf(definition.Location.Length == 0, "image_definition.location", "Must be set: the region of the definition.");
        BodyName.Check(violations, "image_definition.name", request.ImageDefinition?.Name, name);
        ImageDefinitionRules.Normalize(definition);
        ImageDefinitionRules.Check(definition, current: null, now, violations);
        violations.ThrowIfAny();

        var offered = await regions.ForAsync(change.SubscriptionId, change.CancellationToken);
        definition.Location = offered.Require(definition.Location, "image_definition.location").Name;
        definition.Uid = Guid.NewGuid().ToString();
        definition.Etag = Etag.New();
        definition.CreateTime = definition.UpdateTime = Timestamp.FromDateTimeOffset(now);
        definition.ProvisioningState = ProvisioningState.Succeeded;
        var partition = change.Partition;
        var triples = partition.Triples(gallery);
        var triple = ImageDefinitionRules.TripleOf(definition.Identifier);

        return await FreshAttempt.RunAsync(
            name.Value,
            async stale =>
            {
                // Children carry their parent's name as it was first written, whatever the case of this request.
                var holder =
                    await store.ReadAsync(partition.Gallery(gallery), Contracts.Catalog.V1.Gallery.Parser, change.CancellationToken)
                    ?? throw GalleryError.ParentNotFound(gallery.Noun, gallery.Value);
                definition.Name = $"{holder.Value.Name}/images/{name.Id}";
                if (await FindAsync(name, change.CancellationToken) is { } existing)
                {
                    throw existing.Value.Location == definition.Location
                        ? GalleryError.AlreadyExists(name.Noun, existing.Value.Name)
                        : NameTaken.Elsewhere(name.Noun, existing.Value.Name, existing.Value.Location, definition.Location);
                }

                var response = new CreateImageDefinitionResponse { ImageDefinition = definition };
                var mutation = new RedisMutation(partition)
                    .RequirePresent(partition.Gallery(gallery), stale)
                    .RequireAbsent(partition.Definition(name), stale)
                    .RequireFieldAbsent(
                        triples,
                        triple,
                        other => TripleTaken(definition.Identifier, $"{holder.Value.Name}/images/{other}")
                    );
                quota.RequireRoom(mutation, change.SubscriptionId, UsageMetric.ImageDefinitions, definition.Location);
                if (!change.ValidateOnly)
                {
                    mutation
                        .PutRecord(partition.Definition(name), definition, definition.Etag)
                        .AddToIndex(partition.Definitions(gallery), name.Id.ToLowerInvariant())
                        .SetHashField(triples, triple, name.Id);
                    Quota.Count(mutation, change.SubscriptionId, UsageMetric.ImageDefinitions, definition.Location, 1);
                    Tell(mutation, change, definition, "Created", ChangeType.Created);
                    mutation.Remember(change.Memo, response);
                }

                var result = await store.ExecuteAsync(mutation, change.CancellationToken);
                return result.Answer(response);
            }
        );
    }

    /// <summary>Finds a definition by its full name.</summary>
    public Task<Stored<ImageDefinition>?> FindAsync(ResourceName name, CancellationToken cancellationToken) =>
        store.ReadAsync(store.PartitionOf(name.SubscriptionId).Definition(name), ImageDefinition.Parser, cancellationToken);

    /// <summary>Lists the definitions of a gallery.</summary>
    public async Task<ListImageDefinitionsResponse> ListAsync(ResourceName gallery, PageRequest page, CancellationToken cancellationToken)
    {
        var partition = store.PartitionOf(gallery.SubscriptionId);
        if (await store.ReadAsync(partition.Gallery(gallery), Contracts.Catalog.V1.Gallery.Parser, cancellationToken) is null)
        {
            throw GalleryError.NotFound(gallery.Noun, gallery.Value);
        }

        var (definitions, next) = await store.ReadPageAsync(
            partition.Definitions(gallery),
            page,
            id => partition.Definition(gallery.Child(ResourceKind.Image, id)),
            ImageDefinition.Parser,
            cancellationToken
        );
        var response = new ListImageDefinitionsResponse { NextPageToken = next };
        response.ImageDefinitions.AddRange(definitions);
        return response;
    }

    /// <summary>Changes a definition.</summary>
    public Task<UpdateImageDefinitionResponse> UpdateAsync(Change change, UpdateImageDefinitionRequest request) =>
        FreshAttempt.RunAsync(
            change.Name.Value,
            async stale =>
            {
                var now = clock.GetUtcNow();
                var stored = await RequireAsync(change, request.ImageDefinition.Etag);
                var current = stored.Value;
                var definition = ImageDefinitionRules.Shape.Apply(current, request.ImageDefinition, request.UpdateMask);
                ImageDefinitionRules.Normalize(definition);
                definition.Location = RegionSet.Canonical(definition.Location);
                var violations = new Violations();
                ImageDefinitionRules.Check(definition, current, now, violations);
                violations.ThrowIfAny();
                ImageDefinitionRules.Shape.RequireUnchanged(
                    current,
                    definition,
                    request.AllowUpdateImage ? [ImageDefinitionRules.Features] : []
                );
                definition.Etag = Etag.New();
                definition.UpdateTime = Timestamp.FromDateTimeOffset(now);
                var response = new UpdateImageDefinitionResponse { ImageDefinition = definition };
                if (change.ValidateOnly)
                {
                    return response;
                }

                var key = change.Partition.Definition(change.Name);
                var mutation = new RedisMutation(change.Partition)
                    .RequireEtag(key, stored.Etag, stale)
                    .PutRecord(key, definition, definition.Etag);
                Tell(mutation, change, definition, "OK", ChangeType.Updated);
                var result = await store.ExecuteAsync(mutation.Remember(change.Memo, response), change.CancellationToken);
                return result.Answer(response);
            }
        );

    /// <summary>Deletes a definition without versions.</summary>
    public Task<DeleteImageDefinitionResponse> DeleteAsync(Change change, DeleteImageDefinitionRequest request) =>
        FreshAttempt.RunAsync(
            change.Name.Value,
            async stale =>
            {
                var response = new DeleteImageDefinitionResponse();
                var name = change.Name;
                var gallery = name.Parent!;
                var partition = change.Partition;
                if (request.AllowMissing && await FindAsync(name, change.CancellationToken) is null)
                {
                    return response;
                }

                var stored = await RequireAsync(change, request.Etag);
                var definition = stored.Value;
                var versions = partition.Versions(name);
                if (await store.ReadSomeMembersAsync(versions, change.CancellationToken) is { Count: > 0 } keys)
                {
                    throw GalleryError.CannotDelete(
                        name.Value,
                        [.. keys.Select(key => $"{definition.Name}/versions/{VersionNumber.FromSortKey(key)}")]
                    );
                }

                if (change.ValidateOnly)
                {
                    return response;
                }

                var mutation = new RedisMutation(partition)
                    .RequireEtag(partition.Definition(name), stored.Etag, stale)
                    .RequireEmpty(versions, stale)
                    .DeleteKey(partition.Definition(name))
                    .RemoveFromIndex(partition.Definitions(gallery), name.Id.ToLowerInvariant())
                    .RemoveHashField(partition.Triples(gallery), ImageDefinitionRules.TripleOf(definition.Identifier));
                Quota.Count(mutation, change.SubscriptionId, UsageMetric.ImageDefinitions, definition.Location, -1);
                Tell(mutation, change, definition, "OK", ChangeType.Deleted);
                var result = await store.ExecuteAsync(mutation.Remember(change.Memo, response), change.CancellationToken);
                return result.Answer(response);
            }
        );

    private static RpcException TripleTaken(ImageIdentifier identifier, string holder) =>
        GalleryError.Create(
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists,
            $"The image definition '{holder}' has the publisher '{identifier.Publisher}', offer '{identifier.Offer}' and SKU '{identifier.Sku}' already: "
                + "the three together must be unique in a gallery.",
            new ResourceInfo { ResourceType = "image definition", ResourceName = holder }
        );

    private void Tell(RedisMutation mutation, Change change, ImageDefinition definition, string outcome, ChangeType type)
    {
        log.Append(mutation, ActivityEntries.Done(change, outcome, clock.GetUtcNow()));
        mutation.AppendEvent(
            new EventEnvelope
            {
                Subject = definition.Name,
                SubscriptionId = change.SubscriptionId,
                ImageDefinitionChanged = new ImageDefinitionChanged
                {
                    Name = definition.Name,
                    Uid = definition.Uid,
                    Change = type,
                },
            }
        );
    }

    private async Task<Stored<ImageDefinition>> RequireAsync(Change change, string etag)
    {
        var stored =
            await FindAsync(change.Name, change.CancellationToken) ?? throw GalleryError.NotFound(change.Name.Noun, change.Name.Value);
        return etag.Length == 0 || etag == stored.Etag ? stored : throw GalleryError.EtagMismatch(change.Name.Value);
    }
}
