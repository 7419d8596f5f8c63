using Gallery.Contracts.Common.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Grpc.Core;

namespace Gallery.Replication.Placement;

/// <summary>Finds the version that a deployment means, for those who may read it.</summary>
internal sealed class ImageResolver(IAccessChecker access, VersionStore versions, LatestResolver latest)
{
    private const string ReadVersion = "Microsoft.Compute/galleries/images/versions/read";
    private const string ReadDefinition = "Microsoft.Compute/galleries/images/read";
    private const int MostResolutions = 5;

    /// <summary>Refuses who may not read what is named.</summary>
    public async Task AuthorizeAsync(ImageReference image, ServerCallContext context)
    {
        if (image.Version is not null)
        {
            await access.RequireAsync(context, ReadVersion, image.Version.Value);
        }
        else
        {
            // To learn which version is the latest takes a look at the definition (semantics 7.3); the version is checked when it is known.
            await access.RequireAsync(context, ReadDefinition, image.Definition!.Value);
        }
    }

    /// <summary>Finds the version that is meant in a region.</summary>
    /// <exception cref="RpcException">GALLERY_IMAGE_NOT_FOUND: there is none, or it is deleted.</exception>
    public async Task<(ResourceName Version, VersionRecord Record)> ResolveAsync(
        ImageReference image,
        string region,
        ServerCallContext context
    )
    {
        if (image.Version is not null)
        {
            return (image.Version, await RecordAsync(image.Version, context) ?? throw NotServed(image.Version, region));
        }

        var version = await LatestAsync(image.Definition!, region, context);
        for (var attempt = 1; ; attempt++)
        {
            if (await RecordAsync(version, context) is { } record)
            {
                return (version, record);
            }

            // It was deleted after it was found, so another one is the latest by now.
            version = attempt < MostResolutions ? await LatestAsync(image.Definition!, region, context) : throw NotServed(version, region);
        }
    }

    private async Task<ResourceName> LatestAsync(ResourceName definition, string region, ServerCallContext context)
    {
        var version =
            await latest.FindAsync(definition, region, context.CancellationToken)
            ?? throw GalleryError.Create(
                StatusCode.NotFound,
                ErrorReason.GalleryImageNotFound,
                $"No latest version of '{definition}' exists in {region}: none is complete there, or all are excluded from latest.",
                new Dictionary<string, string> { ["image"] = definition.Value, ["region"] = region }
            );
        await access.RequireAsync(context, ReadVersion, version.Value);
        return version;
    }

    private async Task<VersionRecord?> RecordAsync(ResourceName version, ServerCallContext context) =>
        await versions.ReadRecordAsync(version, context.CancellationToken)
            is { Phase: VersionPhase.Active or VersionPhase.SoftDeleted } record
            ? record
            : null;

    /// <summary>The refusal of a version that a region can't serve.</summary>
    public static RpcException NotServed(ResourceName version, string region) =>
        GalleryError.Create(
            StatusCode.NotFound,
            ErrorReason.GalleryImageNotFound,
            $"The version '{version}' can't be served in {region}: it does not exist, is not replicated there, or has no complete replica yet.",
            new Dictionary<string, string> { ["image"] = version.Value, ["region"] = region }
        );
}
