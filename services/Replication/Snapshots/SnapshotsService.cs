using Gallery.Contracts.Common.V1;
using Gallery.Replication.Grants;
using Gallery.Replication.Regions;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Snapshots;

/// <summary>Serves <c>gallery.replication.v1.SnapshotService</c>.</summary>
internal sealed class SnapshotsService(
    IAccessChecker access,
    SnapshotStore store,
    RegionRegistry regions,
    RegionAccess regionAccess,
    RegionGate gate,
    GrantIssuer grants,
    SnapshotImporter importer,
    SnapshotCommitter committer,
    IOptions<SnapshotOptions> options,
    TimeProvider clock
) : V1.SnapshotService.SnapshotServiceBase
{
    private const string ReadAction = "Microsoft.Compute/snapshots/read";
    private const string WriteAction = "Microsoft.Compute/snapshots/write";
    private const string DeleteAction = "Microsoft.Compute/snapshots/delete";

    /// <inheritdoc />
    public override async Task<V1.CreateSnapshotResponse> CreateSnapshot(V1.CreateSnapshotRequest request, ServerCallContext context)
    {
        var parent = ResourceName.Require(request.Parent, "parent", ResourceKind.ResourceGroup);
        SnapshotRules.Check(request);
        var name = parent.Child(ResourceKind.Snapshot, request.SnapshotId);
        await access.RequireAsync(context, WriteAction, name.Value);
        var region = regions.Require(request.Region, "region");
        await regionAccess.RequireAvailableAsync(name.SubscriptionId, region, context.CancellationToken);
        if (request.ImportSource is not null)
        {
            await gate.RequireUsableAsync(region.Name, context.CancellationToken);
            var import = await importer.BeginAsync(name, region.Name, request, context.CancellationToken);
            return new V1.CreateSnapshotResponse { Snapshot = import };
        }

        SnapshotRules.CheckSize(request.FileSizeBytes, request.Format, options.Value.MaxDiskBytes);
        await gate.RequireUsableAsync(region.Name, context.CancellationToken);
        while (true)
        {
            if (await store.ReadAsync(name, context.CancellationToken) is not { } existing)
            {
                var snapshot = NewSnapshot(name, region.Name, request);
                if (await store.TryAddAsync(name, snapshot, context.CancellationToken))
                {
                    return Response(snapshot);
                }
            }
            else if (!SnapshotRules.IsSameUpload(existing, region.Name, request))
            {
                throw GalleryError.AlreadyExists(name.Noun, name.Value);
            }
            else
            {
                var extended = existing.Clone();
                extended.Etag = Etag.New();
                extended.ExpireTime = Timestamp.FromDateTimeOffset(clock.GetUtcNow() + options.Value.UploadLifetime);
                if (await store.TryExtendAsync(name, existing.Etag, extended, context.CancellationToken))
                {
                    return Response(extended);
                }
            }
        }
    }

    /// <inheritdoc />
    public override async Task<V1.CommitSnapshotResponse> CommitSnapshot(V1.CommitSnapshotRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.Snapshot);
        await access.RequireAsync(context, WriteAction, name.Value);
        while (true)
        {
            var snapshot = await store.ReadAsync(name, context.CancellationToken) ?? throw GalleryError.NotFound(name.Noun, name.Value);
            if (snapshot.State == V1.SnapshotState.Ready)
            {
                return new V1.CommitSnapshotResponse { Snapshot = snapshot };
            }

            if (snapshot.State != V1.SnapshotState.Uploading)
            {
                throw GalleryError.Create(
                    StatusCode.FailedPrecondition,
                    ErrorReason.SourceNotUsable,
                    $"The snapshot '{name.Value}' is imported: it is committed by itself when its bytes are there."
                );
            }

            if (await committer.TryCommitAsync(name, snapshot, context.Deadline, context.CancellationToken) is { } committed)
            {
                return new V1.CommitSnapshotResponse { Snapshot = committed };
            }
        }
    }

    /// <inheritdoc />
    public override async Task<V1.GetSnapshotResponse> GetSnapshot(V1.GetSnapshotRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.Snapshot);
        await access.RequireAsync(context, ReadAction, name.Value, orServices: ["catalog"]);
        var snapshot = await store.ReadAsync(name, context.CancellationToken) ?? throw GalleryError.NotFound(name.Noun, name.Value);
        return new V1.GetSnapshotResponse { Snapshot = snapshot };
    }

    /// <inheritdoc />
    public override async Task<V1.ListSnapshotsResponse> ListSnapshots(V1.ListSnapshotsRequest request, ServerCallContext context)
    {
        var parent = ResourceName.Require(request.Parent, "parent", ResourceKind.ResourceGroup, ResourceKind.Subscription);
        await access.RequireAsync(context, ReadAction, parent.Value);
        var page = PageRequest.From(request.PageSize, request.PageToken, $"snapshots:{parent.Key}");
        var (snapshots, next) = await store.ListAsync(parent, page, context.CancellationToken);
        return new V1.ListSnapshotsResponse { Snapshots = { snapshots }, NextPageToken = next };
    }

    /// <inheritdoc />
    public override async Task<V1.DeleteSnapshotResponse> DeleteSnapshot(V1.DeleteSnapshotRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Name, "name", ResourceKind.Snapshot);
        await access.RequireAsync(context, DeleteAction, name.Value);
        while (await store.ReadAsync(name, context.CancellationToken) is { } snapshot)
        {
            if (request.Etag.Length > 0 && request.Etag != snapshot.Etag)
            {
                throw GalleryError.EtagMismatch(name.Value);
            }

            if (await store.TryDropAsync(name, snapshot, context.CancellationToken))
            {
                break;
            }
        }

        return new V1.DeleteSnapshotResponse();
    }

    private V1.Snapshot NewSnapshot(ResourceName name, string region, V1.CreateSnapshotRequest request)
    {
        var now = clock.GetUtcNow();
        return new V1.Snapshot
        {
            Name = name.Value,
            Uid = Guid.NewGuid().ToString("D"),
            Etag = Etag.New(),
            Region = region,
            State = V1.SnapshotState.Uploading,
            FileSizeBytes = request.FileSizeBytes,
            Format = request.Format,
            CreateTime = Timestamp.FromDateTimeOffset(now),
            ExpireTime = Timestamp.FromDateTimeOffset(now + options.Value.UploadLifetime),
            Tags = { request.Tags },
        };
    }

    private V1.CreateSnapshotResponse Response(V1.Snapshot snapshot)
    {
        var grant = grants.Upload(snapshot.Region, snapshot.Uid);
        regions.TryGet(snapshot.Region, out var region);
        return new V1.CreateSnapshotResponse
        {
            Snapshot = snapshot,
            Grant = new V1.UploadGrant
            {
                GrpcUrl = region!.GrpcUrl,
                HttpUrl = region.HttpUrl,
                UploadId = snapshot.Uid,
                Token = grant.Token,
                ExpireTime = Timestamp.FromDateTimeOffset(grant.ExpireTime),
            },
        };
    }
}
