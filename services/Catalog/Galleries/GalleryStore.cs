using Gallery.Catalog.Activity;
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
using StackExchange.Redis;
using V1 = Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.Galleries;

/// <summary>Keeps galleries. Each change is one atomic step with its quota, activity entry and event.</summary>
internal sealed class GalleryStore(RedisStore store, RegionCatalog regions, Quota quota, ActivityLog log, TimeProvider clock)
{
    private static readonly RedisValue NameField = "n";

    /// <summary>Creates a gallery.</summary>
    public async Task<CreateGalleryResponse> CreateAsync(Change change, CreateGalleryRequest request)
    {
        var name = change.Name;
        var gallery = GalleryRules.Shape.WithoutOutput(request.Gallery ?? new V1.Gallery());
        var violations = new Violations();
        ValueRules.Name(violations, "gallery_id", request.GalleryId, withDash: false);
        violations.AddIf(request.Gallery is null, "gallery", "Must be set.");
        violations.AddIf(gallery.Location.Length == 0, "gallery.location", "Must be set: the region of the gallery.");
        BodyName.Check(violations, "gallery.name", request.Gallery?.Name, name);
        GalleryRules.Check(gallery, violations);
        violations.ThrowIfAny();
        GalleryRules.RequireSupported(gallery);

        var offered = await regions.ForAsync(change.SubscriptionId, change.CancellationToken);
        gallery.Location = offered.Require(gallery.Location, "gallery.location").Name;
        gallery.Name = name.Value;
        gallery.Uid = Guid.NewGuid().ToString();
        gallery.Etag = Etag.New();
        gallery.CreateTime = gallery.UpdateTime = Timestamp.FromDateTimeOffset(clock.GetUtcNow());
        gallery.UniqueName = $"{change.SubscriptionId}-{name.Id.ToUpperInvariant()}";
        gallery.ProvisioningState = ProvisioningState.Succeeded;
        var response = new CreateGalleryResponse { Gallery = gallery };

        return await FreshAttempt.RunAsync(
            name.Value,
            async stale =>
            {
                await RequireNameFreeAsync(change, gallery.Location);
                var mutation = new RedisMutation(change.Partition).RequireAbsent(change.Partition.GalleryClaim(name), stale);
                quota.RequireRoom(mutation, change.SubscriptionId, UsageMetric.Galleries, gallery.Location);
                if (!change.ValidateOnly)
                {
                    mutation
                        .SetHashField(change.Partition.GalleryClaim(name), NameField.ToString(), gallery.Name)
                        .PutRecord(change.Partition.Gallery(name), gallery, gallery.Etag)
                        .AddToIndex(change.Partition.Galleries(change.SubscriptionId), MemberOf(name));
                    Quota.Count(mutation, change.SubscriptionId, UsageMetric.Galleries, gallery.Location, 1);
                    Tell(mutation, change, gallery, "Created", ChangeType.Created);
                    mutation.Remember(change.Memo, response);
                }

                var result = await store.ExecuteAsync(mutation, change.CancellationToken);
                return result.Answer(response);
            }
        );
    }

    /// <summary>Finds a gallery by its full name.</summary>
    public Task<Stored<V1.Gallery>?> FindAsync(ResourceName name, CancellationToken cancellationToken) =>
        store.ReadAsync(store.PartitionOf(name.SubscriptionId).Gallery(name), V1.Gallery.Parser, cancellationToken);

    /// <summary>Lists the galleries of a subscription or resource group.</summary>
    public async Task<ListGalleriesResponse> ListAsync(ResourceName parent, PageRequest page, CancellationToken cancellationToken)
    {
        var partition = store.PartitionOf(parent.SubscriptionId);
        var index = partition.Galleries(parent.SubscriptionId);
        var (galleries, next) = await store.ReadPageAsync(
            index,
            page,
            member => partition.Gallery(NameOf(parent, member)),
            V1.Gallery.Parser,
            cancellationToken,
            prefix: parent.Kind == ResourceKind.ResourceGroup ? $"{parent.Id.ToLowerInvariant()}/" : ""
        );
        var response = new ListGalleriesResponse { NextPageToken = next };
        response.Galleries.AddRange(galleries);
        return response;
    }

    /// <summary>Changes a gallery.</summary>
    public Task<UpdateGalleryResponse> UpdateAsync(Change change, UpdateGalleryRequest request) =>
        FreshAttempt.RunAsync(
            change.Name.Value,
            async stale =>
            {
                var stored = await RequireAsync(change, request.Gallery.Etag);
                var current = stored.Value;
                var gallery = GalleryRules.Shape.Apply(current, request.Gallery, request.UpdateMask);
                var violations = new Violations();
                GalleryRules.Check(gallery, violations);
                violations.ThrowIfAny();
                GalleryRules.RequireSupported(gallery);
                gallery.Location = RegionSet.Canonical(gallery.Location);
                GalleryRules.Shape.RequireUnchanged(current, gallery);
                gallery.Etag = Etag.New();
                gallery.UpdateTime = Timestamp.FromDateTimeOffset(clock.GetUtcNow());
                var response = new UpdateGalleryResponse { Gallery = gallery };
                if (change.ValidateOnly)
                {
                    return response;
                }

                var key = change.Partition.Gallery(change.Name);
                var mutation = new RedisMutation(change.Partition)
                    .RequireEtag(key, stored.Etag, stale)
                    .PutRecord(key, gallery, gallery.Etag);
                Tell(mutation, change, gallery, "OK", ChangeType.Updated);
                var result = await store.ExecuteAsync(mutation.Remember(change.Memo, response), change.CancellationToken);
                return result.Answer(response);
            }
        );

    /// <summary>Deletes an empty gallery.</summary>
    public Task<DeleteGalleryResponse> DeleteAsync(Change change, DeleteGalleryRequest request) =>
        FreshAttempt.RunAsync(
            change.Name.Value,
            async stale =>
            {
                var response = new DeleteGalleryResponse();
                var name = change.Name;
                var key = change.Partition.Gallery(name);
                if (request.AllowMissing && await FindAsync(name, change.CancellationToken) is null)
                {
                    return response;
                }

                var stored = await RequireAsync(change, request.Etag);
                var children = change.Partition.Definitions(name);
                if (await store.ReadSomeMembersAsync(children, change.CancellationToken) is { Count: > 0 } ids)
                {
                    throw GalleryError.CannotDelete(name.Value, [.. ids.Select(id => $"{name.Value}/images/{id}")]);
                }

                if (change.ValidateOnly)
                {
                    return response;
                }

                var mutation = new RedisMutation(change.Partition)
                    .RequireEtag(key, stored.Etag, stale)
                    .RequireEmpty(children, stale)
                    .DeleteKey(key)
                    .DeleteKey(change.Partition.GalleryClaim(name))
                    .RemoveFromIndex(change.Partition.Galleries(change.SubscriptionId), MemberOf(name));
                Quota.Count(mutation, change.SubscriptionId, UsageMetric.Galleries, stored.Value.Location, -1);
                Tell(mutation, change, stored.Value, "OK", ChangeType.Deleted);
                var result = await store.ExecuteAsync(mutation.Remember(change.Memo, response), change.CancellationToken);
                return result.Answer(response);
            }
        );

    private static string MemberOf(ResourceName gallery) => $"{gallery.ResourceGroup!.ToLowerInvariant()}/{gallery.Id.ToLowerInvariant()}";

    private static ResourceName NameOf(ResourceName parent, string member)
    {
        var slash = member.IndexOf('/', StringComparison.Ordinal);
        return parent
            .Ancestor(ResourceKind.Subscription)!
            .Child(ResourceKind.ResourceGroup, member[..slash])
            .Child(ResourceKind.Gallery, member[(slash + 1)..]);
    }

    private void Tell(RedisMutation mutation, Change change, V1.Gallery gallery, string outcome, ChangeType type)
    {
        log.Append(mutation, ActivityEntries.Done(change, outcome, clock.GetUtcNow()));
        mutation.AppendEvent(
            new EventEnvelope
            {
                Subject = gallery.Name,
                SubscriptionId = change.SubscriptionId,
                GalleryChanged = new GalleryChanged
                {
                    Name = gallery.Name,
                    Uid = gallery.Uid,
                    Change = type,
                },
            }
        );
    }

    private async Task<Stored<V1.Gallery>> RequireAsync(Change change, string etag)
    {
        var stored =
            await FindAsync(change.Name, change.CancellationToken) ?? throw GalleryError.NotFound(change.Name.Noun, change.Name.Value);
        return etag.Length == 0 || etag == stored.Etag ? stored : throw GalleryError.EtagMismatch(change.Name.Value);
    }

    // A gallery's name is taken in the whole subscription (semantics 3.1): the refusal says by which.
    private async Task RequireNameFreeAsync(Change change, string location)
    {
        var claim = await store
            .Database.HashGetAsync(change.Partition.GalleryClaim(change.Name), NameField)
            .WaitAsync(change.CancellationToken);
        if (
            !ResourceName.TryParse(claim, ResourceKind.Gallery, out var holder)
            || await FindAsync(holder, change.CancellationToken) is not { } held
        )
        {
            return; // Free, or being set free at this moment: the atomic check decides.
        }

        throw held.Value.Location == location
            ? GalleryError.AlreadyExists(change.Name.Noun, held.Value.Name)
            : NameTaken.Elsewhere(change.Name.Noun, held.Value.Name, held.Value.Location, location);
    }
}
