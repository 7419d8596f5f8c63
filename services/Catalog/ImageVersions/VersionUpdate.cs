using Gallery.Catalog.Activity;
using Gallery.Catalog.Quotas;
using Gallery.Catalog.Regions;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Accepts changes of what is wanted of a version.</summary>
internal sealed class VersionUpdate(
    RedisStore store,
    ImageVersionStore versions,
    RegionCatalog regions,
    Quota quota,
    ActivityLog log,
    TimeProvider clock
)
{
    /// <summary>Accepts an update.</summary>
    public Task<UpdateImageVersionResponse> RunAsync(Change change, UpdateImageVersionRequest request) =>
        FreshAttempt.RunAsync(
            change.Name.Value,
            async stale =>
            {
                var now = clock.GetUtcNow();
                var record = await versions.RequireAsync(change.Name, change.CancellationToken);
                RequireChangeable(change, record, request.ImageVersion.Etag);
                var (version, warnings) = await ProposeAsync(change, record.Version, request, now);
                version.Etag = Etag.New();
                version.UpdateTime = Timestamp.FromDateTimeOffset(now);

                // Whatever is asked of a failed version, it is also asked to be tried again (semantics 3.6).
                var works =
                    record.Version.ProvisioningState == ProvisioningState.Failed || TargetRegionRules.WantsOthers(record.Version, version);
                if (works)
                {
                    version.Generation++;
                    version.ProvisioningState = ProvisioningState.Updating;
                    version.ProvisioningDetails = "";
                    version.ReplicationStatus = ReplicationRows.Expected(version, record.Version, now);
                }

                var response = new UpdateImageVersionResponse { ImageVersion = version, Warnings = { warnings } };
                if (change.ValidateOnly)
                {
                    return response;
                }

                var mutation = new RedisMutation(change.Partition).RequireEtag(change.Partition.Version(change.Name), record.Etag, stale);
                ImageVersionStore.Put(mutation, change.Name, version);
                if (works)
                {
                    versions.Begin(mutation, change.Name, record, ActivityEntries.Begun(change, "OK", now), now);
                }
                else
                {
                    log.Append(mutation, ActivityEntries.Done(change, "OK", now));
                }

                ImageVersionStore.Tell(mutation, change.Name, version, ChangeType.Updated);
                var result = await store.ExecuteAsync(mutation.Remember(change.Memo, response), change.CancellationToken);
                return result.Answer(response);
            }
        );

    private static void RequireChangeable(Change change, VersionRecord record, string etag)
    {
        if (record.Version.ProvisioningState is not (ProvisioningState.Succeeded or ProvisioningState.Failed))
        {
            throw GalleryError.OperationNotAllowed(
                change.Name.Value,
                $"it is {record.Version.ProvisioningState.ToString().ToUpperInvariant()}."
            );
        }

        if (etag.Length > 0 && etag != record.Etag)
        {
            throw GalleryError.EtagMismatch(change.Name.Value);
        }
    }

    private async Task<(ImageVersion Version, IReadOnlyList<string> Warnings)> ProposeAsync(
        Change change,
        ImageVersion current,
        UpdateImageVersionRequest request,
        DateTimeOffset now
    )
    {
        var version = ImageVersionRules.Shape.Apply(current, request.ImageVersion, request.UpdateMask);
        version.StorageProfile = StorageProfileRules.Update(current.StorageProfile, version.StorageProfile);
        ImageVersionRules.Normalize(version);
        ImageVersionRules.Shape.RequireUnchanged(current, version);
        var violations = new Violations();
        ImageVersionRules.Check(version, current, now, violations);
        TargetRegionRules.Check(version, violations);
        violations.ThrowIfAny();
        ImageVersionRules.RequireSupported(version);
        if (version.PublishingProfile.TargetRegions.Equals(current.PublishingProfile.TargetRegions))
        {
            return (version, []); // Regions need not be asked for what concerns none.
        }

        TargetRegionRules.Resolve(version, current, await regions.ForAsync(change.SubscriptionId, change.CancellationToken));
        TargetRegionRules.RequireMayDrop(current, version);
        return (version, ImageVersionRules.CheckReplicas(version, quota.LimitsOf(change.SubscriptionId)));
    }
}
