using Gallery.Contracts.Common.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Scaling;

/// <summary>Serves <c>gallery.replication.v1.ReplicaScalingService</c>.</summary>
internal sealed class ReplicaScalingsService(
    IAccessChecker access,
    VersionStore versions,
    ReplicaScaler scaler,
    RegionRegistry regions,
    IOptions<ScalingOptions> options
) : V1.ReplicaScalingService.ReplicaScalingServiceBase
{
    private const string Read = "Microsoft.Compute/galleries/images/versions/read";
    private const string Write = "Microsoft.Compute/galleries/images/versions/write";

    /// <inheritdoc />
    public override async Task<V1.SetReplicaScalingResponse> SetReplicaScaling(
        V1.SetReplicaScalingRequest request,
        ServerCallContext context
    )
    {
        var wanted = request.Scaling ?? throw GalleryError.InvalidParameter("scaling", "Required.");
        var version = ResourceName.Require(wanted.Version, "scaling.version", ResourceKind.ImageVersion);
        var region = regions.Require(wanted.Region, "scaling.region").Name;
        ScalingRules.Check(wanted);
        await access.RequireAsync(context, Write, version.Value);
        var scaling = new ScalingRecord
        {
            MinCount = wanted.MinReplicaCount,
            MaxCount = wanted.MaxReplicaCount,
            ShrinkDelay = wanted.ShrinkDelay ?? Duration.FromTimeSpan(options.Value.DefaultShrinkDelay),
        };
        var changed =
            await scaler.ChangeAsync(version, region, record => Set(record, scaling), context.CancellationToken)
            ?? throw NotThere(version, region);
        return new V1.SetReplicaScalingResponse { Scaling = await ShowAsync(version, changed, context) };
    }

    /// <inheritdoc />
    public override async Task<V1.GetReplicaScalingResponse> GetReplicaScaling(
        V1.GetReplicaScalingRequest request,
        ServerCallContext context
    )
    {
        var version = ResourceName.Require(request.Version, "version", ResourceKind.ImageVersion);
        var region = regions.Require(request.Region, "region").Name;
        await access.RequireAsync(context, Read, version.Value);
        var record = await versions.ReadRecordAsync(version, context.CancellationToken);
        return record?.Regions.FirstOrDefault(found => found.Region == region && ScalingRules.IsScaled(found)) is { } scaled
            ? new V1.GetReplicaScalingResponse { Scaling = Show(record, scaled) }
            : throw GalleryError.NotFound("replica scaling", $"{version}/scalings/{region}");
    }

    /// <inheritdoc />
    public override async Task<V1.ListReplicaScalingsResponse> ListReplicaScalings(
        V1.ListReplicaScalingsRequest request,
        ServerCallContext context
    )
    {
        var version = ResourceName.Require(request.Version, "version", ResourceKind.ImageVersion);
        await access.RequireAsync(context, Read, version.Value);
        var response = new V1.ListReplicaScalingsResponse();
        if (await versions.ReadRecordAsync(version, context.CancellationToken) is { } record)
        {
            response.Scalings.AddRange(record.Regions.Where(ScalingRules.IsScaled).Select(region => Show(record, region)));
        }

        return response;
    }

    /// <inheritdoc />
    public override async Task<V1.DeleteReplicaScalingResponse> DeleteReplicaScaling(
        V1.DeleteReplicaScalingRequest request,
        ServerCallContext context
    )
    {
        var version = ResourceName.Require(request.Version, "version", ResourceKind.ImageVersion);
        var region = regions.Require(request.Region, "region").Name;
        await access.RequireAsync(context, Write, version.Value);
        await scaler.ChangeAsync(version, region, Unset, context.CancellationToken);
        return new V1.DeleteReplicaScalingResponse();
    }

    private static void Set(RegionRecord record, ScalingRecord scaling)
    {
        record.TargetCount = record.Scaling is null ? record.WantedCount : record.TargetCount;
        record.Scaling = scaling.Clone();
        // What is above the most goes when no machine holds a lease on it any more.
        record.WantedCount = Math.Max(record.WantedCount, scaling.MinCount);
    }

    private static void Unset(RegionRecord record)
    {
        record.WantedCount = record.Scaling is null ? record.WantedCount : record.TargetCount;
        record.Scaling = null;
    }

    private async Task<V1.ReplicaScaling> ShowAsync(ResourceName version, RegionRecord region, ServerCallContext context) =>
        Show(await versions.ReadRecordAsync(version, context.CancellationToken) ?? new VersionRecord { Name = version.Value }, region);

    private static V1.ReplicaScaling Show(VersionRecord version, RegionRecord region) =>
        new()
        {
            Version = version.Name,
            Region = region.Region,
            MinReplicaCount = region.Scaling.MinCount,
            MaxReplicaCount = region.Scaling.MaxCount,
            ShrinkDelay = region.Scaling.ShrinkDelay,
            ReplicaCount = region.WantedCount,
            SurplusSinceTime = region.Scaling.SurplusSinceTime,
        };

    private static RpcException NotThere(ResourceName version, string region) =>
        GalleryError.Create(
            StatusCode.NotFound,
            ErrorReason.GalleryImageNotFound,
            $"The version '{version}' is not replicated to {region}: it does not exist, is deleted, or {region} is not one of its target regions.",
            new Dictionary<string, string> { ["image"] = version.Value, ["region"] = region }
        );
}
