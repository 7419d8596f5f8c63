using Gallery.Catalog.Activity;
using Gallery.Catalog.Quotas;
using Gallery.Catalog.Regions;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Accepts new versions, and the repetition of failed ones.</summary>
internal sealed class VersionCreation(
    RedisStore store,
    ImageVersionStore versions,
    SourceSnapshots sources,
    RegionCatalog regions,
    Quota quota,
    TimeProvider clock
)
{
    /// <summary>Accepts a version.</summary>
    /// <param name="change">The change; its name is the definition's when the version's is none.</param>
    /// <param name="definition">The definition.</param>
    /// <param name="request">The request.</param>
    public async Task<CreateImageVersionResponse> RunAsync(Change change, ResourceName definition, CreateImageVersionRequest request)
    {
        var now = clock.GetUtcNow();
        var limits = quota.LimitsOf(change.SubscriptionId);
        var version = Check(change, request, now);
        ImageVersionRules.RequireSupported(version);
        if (await versions.FindDefinitionAsync(definition, change.CancellationToken) is null)
        {
            throw GalleryError.ParentNotFound(definition.Noun, definition.Value);
        }

        TargetRegionRules.Resolve(version, current: null, await regions.ForAsync(change.SubscriptionId, change.CancellationToken));
        var warnings = ImageVersionRules.CheckReplicas(version, limits);
        await sources.ResolveAsync(change, version, limits);
        version.ProvisioningState = ProvisioningState.Creating;
        version.UpdateTime = Timestamp.FromDateTimeOffset(now);
        return await FreshAttempt.RunAsync(change.Name.Value, stale => StoreAsync(change, definition, version, warnings, now, stale));
    }

    private static ImageVersion Check(Change change, CreateImageVersionRequest request, DateTimeOffset now)
    {
        var version = ImageVersionRules.Shape.WithoutOutput(request.ImageVersion ?? new ImageVersion());
        var violations = new Violations();
        violations.AddIf(!VersionNumber.TryParse(request.ImageVersionId, out _), "image_version_id", VersionNumber.Form);
        violations.AddIf(request.ImageVersion is null, "image_version", "Must be set.");
        violations.AddIf(
            version.Location.Length == 0,
            "image_version.location",
            "Must be set: the region that the version's sources lie in."
        );
        BodyName.Check(violations, "image_version.name", request.ImageVersion?.Name, change.Name);
        ImageVersionRules.Normalize(version);
        if (version.PublishingProfile.TargetRegions.Count == 0 && version.Location.Length > 0)
        {
            version.PublishingProfile.TargetRegions.Add(new TargetRegion { Name = version.Location });
        }

        ImageVersionRules.Check(version, current: null, now, violations);
        TargetRegionRules.Check(version, violations);
        StorageProfileRules.Check(version.StorageProfile, violations);
        violations.ThrowIfAny();
        StorageProfileRules.Normalize(version.StorageProfile);
        return version;
    }

    private async Task<CreateImageVersionResponse> StoreAsync(
        Change change,
        ResourceName definition,
        ImageVersion checkedVersion,
        IReadOnlyList<string> warnings,
        DateTimeOffset now,
        Func<Grpc.Core.RpcException> stale
    )
    {
        var name = change.Name;
        var partition = change.Partition;
        var version = checkedVersion.Clone();
        var parent =
            await versions.FindDefinitionAsync(definition, change.CancellationToken)
            ?? throw GalleryError.ParentNotFound(definition.Noun, definition.Value);
        var failed = await FindFailedAsync(name, version, change.CancellationToken);
        var goesOn = failed is not null && ImageVersionRules.GoesOn(failed.Version, version);

        // Children carry their parent's name as it was first written, whatever the case of this request.
        version.Name = $"{parent.Value.Name}/versions/{name.Id}";
        version.Etag = Etag.New();
        version.Uid = goesOn ? failed!.Version.Uid : Guid.NewGuid().ToString();
        version.Generation = goesOn ? failed!.Version.Generation + 1 : 1;
        version.CreateTime = goesOn ? failed!.Version.CreateTime : version.UpdateTime;
        version.PublishingProfile.PublishedDate = version.CreateTime;
        version.ReplicationStatus = ReplicationRows.Expected(version, goesOn ? failed!.Version : null, now);
        var response = new CreateImageVersionResponse { ImageVersion = version, Warnings = { warnings } };

        var key = partition.Version(name);
        var mutation = new RedisMutation(partition).RequirePresent(partition.Definition(definition), stale);
        _ = failed is null ? mutation.RequireAbsent(key, stale) : mutation.RequireEtag(key, failed.Etag, stale);
        var moves = failed?.Version.Location != version.Location;
        if (moves)
        {
            quota.RequireRoom(mutation, change.SubscriptionId, UsageMetric.ImageVersions, version.Location);
        }

        if (change.ValidateOnly)
        {
            await store.ExecuteAsync(mutation, change.CancellationToken);
            return response;
        }

        if (moves)
        {
            Quota.Count(mutation, change.SubscriptionId, UsageMetric.ImageVersions, version.Location, 1);
            if (failed is not null)
            {
                Quota.Count(mutation, change.SubscriptionId, UsageMetric.ImageVersions, failed.Version.Location, -1);
            }
        }

        ImageVersionStore
            .Put(mutation, name, version)
            .AddToIndex(partition.Versions(definition), NumberOf(name).SortKey)
            .AddToIndex(partition.AllVersions(), name.Key);
        versions.Begin(mutation, name, failed, ActivityEntries.Begun(change, "Created", now), now);
        ImageVersionStore.Tell(mutation, name, version, goesOn ? ChangeType.Updated : ChangeType.Created);
        var result = await store.ExecuteAsync(mutation.Remember(change.Memo, response), change.CancellationToken);
        return result.Answer(response);
    }

    // The name must be free, or be that of a failed version (semantics 10).
    private async Task<VersionRecord?> FindFailedAsync(ResourceName name, ImageVersion version, CancellationToken cancellationToken)
    {
        var existing = await versions.FindAsync(name, cancellationToken);
        return existing?.Version.ProvisioningState switch
        {
            null or ProvisioningState.Failed => existing,
            ProvisioningState.Deleting => throw GalleryError.OperationNotAllowed(name.Value, "a version of this name is being deleted."),
            _ => throw (
                existing.Version.Location == version.Location
                    ? GalleryError.AlreadyExists(name.Noun, existing.Version.Name)
                    : NameTaken.Elsewhere(name.Noun, existing.Version.Name, existing.Version.Location, version.Location)
            ),
        };
    }

    private static VersionNumber NumberOf(ResourceName name) =>
        VersionNumber.TryParse(name.Id, out var number) ? number : throw new InvalidOperationException($"'{name}' was checked before.");
}
