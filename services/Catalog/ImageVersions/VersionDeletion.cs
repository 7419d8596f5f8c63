using Gallery.Catalog.Activity;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Accepts deletions. The version is gone when Replication has told that its replicas are: <see cref="ReplicationEvents"/>.</summary>
internal sealed class VersionDeletion(RedisStore store, ImageVersionStore versions, TimeProvider clock)
{
    /// <summary>Accepts a deletion.</summary>
    public Task<DeleteImageVersionResponse> RunAsync(Change change, DeleteImageVersionRequest request) =>
        FreshAttempt.RunAsync(
            change.Name.Value,
            async stale =>
            {
                var now = clock.GetUtcNow();
                var record = await versions.FindAsync(change.Name, change.CancellationToken);
                if (record is null)
                {
                    return request.AllowMissing
                        ? new DeleteImageVersionResponse()
                        : throw GalleryError.NotFound(change.Name.Noun, change.Name.Value);
                }

                if (record.Version.ProvisioningState == ProvisioningState.Deleting)
                {
                    return new DeleteImageVersionResponse { ImageVersion = record.Version };
                }

                if (request.Etag.Length > 0 && request.Etag != record.Etag)
                {
                    throw GalleryError.EtagMismatch(change.Name.Value);
                }

                RequireNotBlocked(record.Version, now);
                var version = record.Version.Clone();
                version.Etag = Etag.New();
                version.UpdateTime = Timestamp.FromDateTimeOffset(now);
                version.Generation++;
                version.ProvisioningState = ProvisioningState.Deleting;
                version.ProvisioningDetails = "";
                var response = new DeleteImageVersionResponse { ImageVersion = version };
                if (change.ValidateOnly)
                {
                    return response;
                }

                var mutation = new RedisMutation(change.Partition).RequireEtag(change.Partition.Version(change.Name), record.Etag, stale);
                ImageVersionStore.Put(mutation, change.Name, version);
                versions.Begin(mutation, change.Name, record, ActivityEntries.Begun(change, "Accepted", now), now);
                ImageVersionStore.Tell(mutation, change.Name, version, ChangeType.Deleting);
                var result = await store.ExecuteAsync(mutation.Remember(change.Memo, response), change.CancellationToken);
                return result.Answer(response);
            }
        );

    // Semantics 3.8.
    private static void RequireNotBlocked(ImageVersion version, DateTimeOffset now)
    {
        if (
            version.SafetyProfile?.BlockDeletionBeforeEndOfLife == true
            && version.PublishingProfile.EndOfLifeDate?.ToDateTimeOffset() is { } endOfLife
            && endOfLife > now
        )
        {
            throw GalleryError.Create(
                StatusCode.FailedPrecondition,
                ErrorReason.DeleteGalleryImageVersionBlockedBeforeEndOfLife,
                $"'{version.Name}' is protected until its end of life, {endOfLife:O}. To delete it before, clear block_deletion_before_end_of_life in its safety profile.",
                new Dictionary<string, string>
                {
                    ["end_of_life_date"] = endOfLife.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
                }
            );
        }
    }
}
