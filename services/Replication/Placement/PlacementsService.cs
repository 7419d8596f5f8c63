using System.Globalization;
using Gallery.Contracts.Common.V1;
using Gallery.Replication.Grants;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Placement;

/// <summary>Serves <c>gallery.replication.v1.PlacementService</c>.</summary>
internal sealed class PlacementsService(
    IAccessChecker access,
    VersionStore versions,
    ImageResolver images,
    LeaseStore leases,
    RegionRegistry regions,
    RegionGate gate,
    GrantIssuer grants,
    RedisStore redis,
    IOptions<PlacementOptions> options,
    TimeProvider clock
) : V1.PlacementService.PlacementServiceBase
{
    private const string ReadVersion = "Microsoft.Compute/galleries/images/versions/read";
    private const string ReadDefinition = "Microsoft.Compute/galleries/images/read";

    private static readonly TimeSpan ShortestRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    /// <inheritdoc />
    public override async Task<V1.PlaceDeploymentResponse> PlaceDeployment(V1.PlaceDeploymentRequest request, ServerCallContext context)
    {
        var image = ImageReference.Require(request.Image, "image");
        var region = regions.Require(request.Region, "region").Name;
        PlacementRules.Check(request);
        await images.AuthorizeAsync(image, context);
        var subscription = (image.Version ?? image.Definition!).SubscriptionId;
        var memo = RequestMemo.For(redis.PartitionOf(subscription), subscription, request.RequestId, context.Method, request);
        if (await leases.FindAsync(subscription, memo, context.CancellationToken) is { } earlier)
        {
            return await ResponseAsync(earlier, context);
        }

        await gate.RequireUsableAsync(region, context.CancellationToken);
        var (version, record) = await images.ResolveAsync(image, region, context);
        var prefix = request.HasReplicaOrdinal
            ? FormattableString.Invariant($"{record.Uid}.{region}.{request.ReplicaOrdinal}.")
            : $"{record.Uid}.";
        var duration = PlacementRules.LeaseOf(request.LeaseDuration, options.Value.DefaultLease);
        var outcome =
            await leases.PlaceAsync(version, region, request.MachineCount, prefix, duration, memo, context.CancellationToken)
            ?? throw ImageResolver.NotServed(version, region);
        return outcome.Leases.Count > 0
            ? await ResponseAsync(outcome, context)
            : throw Exhausted(version, region, request.MachineCount, outcome);
    }

    /// <inheritdoc />
    public override async Task<V1.AdvisePlacementResponse> AdvisePlacement(V1.AdvisePlacementRequest request, ServerCallContext context)
    {
        var image = ImageReference.Require(request.Image, "image");
        var region = regions.Require(request.Region, "region").Name;
        PlacementRules.Check(request);
        await images.AuthorizeAsync(image, context);
        var (version, record) = await images.ResolveAsync(image, region, context);
        var loads = await leases.LoadsAsync(version, region, context.CancellationToken);
        var capacity = options.Value.MachinesPerReplica;
        var leased = loads.Values.Sum();
        return new V1.AdvisePlacementResponse
        {
            Version = record.Name,
            ReplicasNeeded = PlacementRules.ReplicasNeeded(request.MachineCount, request.ScaleSetCount, capacity),
            ReadyReplicaCount = loads.Count,
            FreeMachineCount = loads.Values.Sum(load => Math.Max(0, capacity - load)),
            LeasedMachineCount = leased,
            ReplicasNeededNow = PlacementRules.ReplicasNeeded(leased + (long)request.MachineCount, request.ScaleSetCount, capacity),
            MachinesPerReplica = capacity,
        };
    }

    /// <inheritdoc />
    public override async Task<V1.GetLeaseResponse> GetLease(V1.GetLeaseRequest request, ServerCallContext context)
    {
        var lease = await RequireAsync(LeaseName.Require(request.Name, "name"), context);
        return new V1.GetLeaseResponse { Lease = await ShowAsync(lease, withToken: false, context.CancellationToken) };
    }

    /// <inheritdoc />
    public override async Task<V1.ListLeasesResponse> ListLeases(V1.ListLeasesRequest request, ServerCallContext context)
    {
        var version = ResourceName.Require(request.Version, "version", ResourceKind.ImageVersion);
        await access.RequireAsync(context, ReadVersion, version.Value);
        var page = PageRequest.From(request.PageSize, request.PageToken, $"leases:{version.Key}");
        var (found, next) = await leases.ListAsync(version, page, context.CancellationToken);
        var record = await versions.ReadRecordAsync(version, context.CancellationToken);
        return new V1.ListLeasesResponse
        {
            Leases = { found.Select(lease => Show(lease, record, withToken: false)) },
            NextPageToken = next,
        };
    }

    /// <inheritdoc />
    public override async Task<V1.RenewLeaseResponse> RenewLease(V1.RenewLeaseRequest request, ServerCallContext context)
    {
        var name = LeaseName.Require(request.Name, "name");
        var duration = PlacementRules.LeaseOf(request.LeaseDuration, options.Value.DefaultLease);
        var lease = await RequireAsync(name, context);
        var renewed = await leases.RenewAsync(lease, duration, context.CancellationToken) ?? throw Expired(name);
        return new V1.RenewLeaseResponse { Lease = await ShowAsync(renewed, withToken: true, context.CancellationToken) };
    }

    /// <inheritdoc />
    public override async Task<V1.ReleaseLeaseResponse> ReleaseLease(V1.ReleaseLeaseRequest request, ServerCallContext context)
    {
        var name = LeaseName.Require(request.Name, "name");
        if (await leases.ReadAsync(name, context.CancellationToken) is { } lease)
        {
            await access.RequireAsync(context, ReadVersion, lease.Version.Value);
            await leases.ReleaseAsync(lease, context.CancellationToken);
        }

        return new V1.ReleaseLeaseResponse();
    }

    private async Task<StoredLease> RequireAsync(LeaseName name, ServerCallContext context)
    {
        var lease = await leases.ReadAsync(name, context.CancellationToken) ?? throw GalleryError.NotFound("lease", name.ToString());
        await access.RequireAsync(context, ReadVersion, lease.Version.Value);
        return lease.ExpireTime > clock.GetUtcNow() ? lease : throw Expired(name);
    }

    private async Task<V1.PlaceDeploymentResponse> ResponseAsync(PlacementOutcome placed, ServerCallContext context)
    {
        var response = new V1.PlaceDeploymentResponse();
        var record = placed.Leases.Count > 0 ? await versions.ReadRecordAsync(placed.Leases[0].Version, context.CancellationToken) : null;
        foreach (var lease in placed.Leases)
        {
            // Only of leases that an earlier call with the same request id placed.
            _ = lease.ExpireTime > clock.GetUtcNow() ? lease : throw Expired(lease.Name);
            var shown = Show(lease, record, withToken: true);
            response.Version = shown.Version;
            response.Leases.Add(shown);
        }

        if (response.Leases.Count == 0)
        {
            throw GalleryError.Create(
                StatusCode.FailedPrecondition,
                ErrorReason.LeaseExpired,
                "The leases of this request id are over. Use a new one."
            );
        }

        response.Spread.AddRange(
            placed.Spread.Select(replica => new V1.ReplicaLoad
            {
                Replica = ReplicaName.Of(response.Version, placed.Leases[0].Region, replica.Ordinal),
                MachinesBefore = replica.Before,
                MachinesAfter = replica.After,
                MachineCapacity = options.Value.MachinesPerReplica,
            })
        );
        return response;
    }

    private async Task<V1.Lease> ShowAsync(StoredLease lease, bool withToken, CancellationToken cancellationToken) =>
        Show(lease, await versions.ReadRecordAsync(lease.Version, cancellationToken), withToken);

    private V1.Lease Show(StoredLease lease, VersionRecord? record, bool withToken)
    {
        regions.TryGet(lease.Region, out var region);
        var name = record?.Name ?? lease.Version.Value;
        var shown = new V1.Lease
        {
            Name = lease.Name.ToString(),
            Version = name,
            Replica = ReplicaName.Of(name, lease.Region, lease.Ordinal),
            ReplicaId = lease.ReplicaUid,
            Region = lease.Region,
            MachineCount = lease.Machines,
            GrpcUrl = region?.GrpcUrl ?? "",
            HttpUrl = region?.HttpUrl ?? "",
            Token = withToken ? grants.Read(lease.Region, lease.ReplicaUid, lease.ExpireTime).Token : "",
            ExpireTime = Timestamp.FromDateTimeOffset(lease.ExpireTime),
        };
        shown.Disks.AddRange(record?.Disks ?? []);
        return shown;
    }

    private RpcException Exhausted(ResourceName version, string region, int machines, PlacementOutcome outcome)
    {
        var capacity = options.Value.MachinesPerReplica;
        var needed = PlacementRules.ReplicasNeeded(outcome.LeasedMachines + machines, 0, capacity);
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{machines} machines do not fit on the {outcome.ReadyReplicas} replicas of '{version}' in {region}: {outcome.LeasedMachines} hold leases, {outcome.FreeMachines} more fit, {needed} replicas would do."
        );
        var untilNext = outcome.NextEnd - clock.GetUtcNow();
        var retry =
            untilNext < ShortestRetry ? ShortestRetry
            : untilNext > LongestRetry ? LongestRetry
            : untilNext;
        var quota = new QuotaFailure
        {
            Violations =
            {
                new QuotaFailure.Types.Violation { Subject = $"{version}/replicas/{region}", Description = text },
            },
        };
        var metadata = new Dictionary<string, string>
        {
            ["replicas_needed"] = needed.ToString(CultureInfo.InvariantCulture),
            ["ready_replicas"] = outcome.ReadyReplicas.ToString(CultureInfo.InvariantCulture),
            ["free_machines"] = outcome.FreeMachines.ToString(CultureInfo.InvariantCulture),
        };
        return GalleryError.Create(
            StatusCode.ResourceExhausted,
            ErrorReason.ReplicasExhausted,
            text,
            metadata,
            quota,
            new RetryInfo { RetryDelay = Duration.FromTimeSpan(retry) }
        );
    }

    private static RpcException Expired(LeaseName name) =>
        GalleryError.Create(
            StatusCode.FailedPrecondition,
            ErrorReason.LeaseExpired,
            $"The lease '{name}' has ended. Place the machines anew."
        );
}
