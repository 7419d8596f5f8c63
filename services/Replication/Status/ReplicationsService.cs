using System.Diagnostics;
using Gallery.Contracts.Events.V1;
using Gallery.Replication.Placement;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Status;

/// <summary>Serves <c>gallery.replication.v1.ReplicationService</c>.</summary>
internal sealed class ReplicationsService(
    IAccessChecker access,
    VersionStore versions,
    FreshVersions fresh,
    LeaseStore leases,
    RegionRegistry regions,
    ChangeSignals signals,
    ReplicaWatcher watcher,
    IOptions<WatchOptions> options,
    TimeProvider clock
) : V1.ReplicationService.ReplicationServiceBase
{
    private const string ReadAction = "Microsoft.Compute/galleries/images/versions/read";
    private const string WriteAction = "Microsoft.Compute/galleries/images/versions/write";

    private static readonly string[] Services = ["catalog", "billing"];

    /// <inheritdoc />
    public override async Task<V1.GetReplicationStatusResponse> GetReplicationStatus(
        V1.GetReplicationStatusRequest request,
        ServerCallContext context
    )
    {
        var name = ResourceName.Require(request.Version, "version", ResourceKind.ImageVersion);
        await access.RequireAsync(context, ReadAction, name.Value, orServices: Services);
        var document = await fresh.RequireAsync(name, context);
        return new V1.GetReplicationStatusResponse { Status = StatusRules.StatusOf(document, clock.GetUtcNow()) };
    }

    /// <inheritdoc />
    public override async Task WatchReplicationStatus(
        V1.WatchReplicationStatusRequest request,
        IServerStreamWriter<V1.WatchReplicationStatusResponse> responseStream,
        ServerCallContext context
    )
    {
        var name = ResourceName.Require(request.Version, "version", ResourceKind.ImageVersion);
        await access.RequireAsync(context, ReadAction, name.Value, orServices: Services);
        // Begun before the first look, so that no change falls between.
        using var waiter = signals.OfVersion(name);
        var document = await fresh.RequireAsync(name, context);
        var checkedAt = Stopwatch.GetTimestamp();
        V1.ReplicationStatus? sent = null;
        while (true)
        {
            var status = StatusRules.StatusOf(document, clock.GetUtcNow());
            if (!status.Equals(sent))
            {
                await responseStream.WriteAsync(new V1.WatchReplicationStatusResponse { Status = status }, context.CancellationToken);
                sent = status;
            }

            if (request.UntilSettled && StatusRules.IsSettled(document))
            {
                return;
            }

            await Task.Delay(options.Value.MinInterval, context.CancellationToken);
            await waiter.WaitAsync(options.Value.PollInterval, context.CancellationToken);
            if (Stopwatch.GetElapsedTime(checkedAt) > options.Value.AccessCheckInterval)
            {
                checkedAt = Stopwatch.GetTimestamp();
                await access.RequireAsync(context, ReadAction, name.Value, orServices: Services);
            }

            document = FreshVersions.RequireWanted(name, await versions.ReadAsync(name, context.CancellationToken));
        }
    }

    /// <inheritdoc />
    public override async Task<V1.ListReplicasResponse> ListReplicas(V1.ListReplicasRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Parent, "parent", ResourceKind.ImageVersion);
        var region = request.Region.Length == 0 ? "" : regions.Require(request.Region, "region").Name;
        await access.RequireAsync(context, ReadAction, name.Value, orServices: Services);
        var page = PageRequest.From(request.PageSize, request.PageToken, $"replicas:{name.Key}:{region}");
        var document = await fresh.RequireAsync(name, context);
        var found = document
            .Replicas.Values.Where(replica => region.Length == 0 || replica.Region == region)
            .OrderBy(ReplicaPresenter.SortKey, StringComparer.Ordinal)
            .Where(replica => string.CompareOrdinal(ReplicaPresenter.SortKey(replica), page.After) > 0)
            .Take(page.Size + 1)
            .ToList();
        var shown = found.Take(page.Size).ToList();
        var loads = await LoadsAsync(name, shown, context.CancellationToken);
        var response = new V1.ListReplicasResponse
        {
            NextPageToken = found.Count > shown.Count ? page.TokenAfter(ReplicaPresenter.SortKey(shown[^1])) : "",
        };
        response.Replicas.AddRange(
            shown.Select(replica => ReplicaPresenter.Show(document, replica, loads.GetValueOrDefault(replica.Uid), clock.GetUtcNow()))
        );
        return response;
    }

    /// <inheritdoc />
    public override async Task<V1.GetReplicaResponse> GetReplica(V1.GetReplicaRequest request, ServerCallContext context)
    {
        var name = ReplicaName.Require(request.Name, "name");
        await access.RequireAsync(context, ReadAction, name.Version.Value, orServices: Services);
        var document = await fresh.RequireAsync(name.Version, context);
        // Of two lives of a replica, the one that is to stay is meant.
        var replica =
            document
                .Replicas.Values.Where(replica => replica.Region == name.Region && replica.Ordinal == name.Ordinal)
                .OrderBy(replica => replica.State == ReplicaState.Deleting)
                .ThenByDescending(replica => replica.Life)
                .FirstOrDefault()
            ?? throw GalleryError.NotFound("replica", request.Name);
        var loads = await LoadsAsync(name.Version, [replica], context.CancellationToken);
        return new V1.GetReplicaResponse
        {
            Replica = ReplicaPresenter.Show(document, replica, loads.GetValueOrDefault(replica.Uid), clock.GetUtcNow()),
        };
    }

    /// <inheritdoc />
    public override Task WatchReplicas(
        V1.WatchReplicasRequest request,
        IServerStreamWriter<V1.WatchReplicasResponse> responseStream,
        ServerCallContext context
    ) => watcher.RunAsync(request, responseStream, ReadAction, Services, context);

    /// <inheritdoc />
    public override async Task<V1.CancelReplicationResponse> CancelReplication(
        V1.CancelReplicationRequest request,
        ServerCallContext context
    )
    {
        var name = ResourceName.Require(request.Version, "version", ResourceKind.ImageVersion);
        var region = request.Region.Length == 0 ? "" : regions.Require(request.Region, "region").Name;
        await access.RequireAsync(context, WriteAction, name.Value);
        var document = await fresh.RequireAsync(name, context);
        document =
            await versions.ChangeAsync(name, stored => WorkRules.Cancel(stored, region, clock.GetUtcNow()), context.CancellationToken)
            ?? document;
        return new V1.CancelReplicationResponse { Status = StatusRules.StatusOf(document, clock.GetUtcNow()) };
    }

    /// <inheritdoc />
    public override async Task<V1.RetryRegionResponse> RetryRegion(V1.RetryRegionRequest request, ServerCallContext context)
    {
        var name = ResourceName.Require(request.Version, "version", ResourceKind.ImageVersion);
        var region = regions.Require(request.Region, "region").Name;
        await access.RequireAsync(context, WriteAction, name.Value);
        var document = await fresh.RequireAsync(name, context);
        document =
            await versions.ChangeAsync(name, stored => WorkRules.Retry(stored, region, clock.GetUtcNow()), context.CancellationToken)
            ?? document;
        return new V1.RetryRegionResponse { Status = StatusRules.StatusOf(document, clock.GetUtcNow()) };
    }

    private async Task<Dictionary<string, int>> LoadsAsync(
        ResourceName version,
        IEnumerable<ReplicaRecord> replicas,
        CancellationToken cancellationToken
    )
    {
        var loads = new Dictionary<string, int>();
        foreach (var region in replicas.Where(replica => replica.State == ReplicaState.Ready).Select(replica => replica.Region).Distinct())
        {
            foreach (var (uid, load) in await leases.LoadsAsync(version, region, cancellationToken))
            {
                loads[uid] = load;
            }
        }

        return loads;
    }
}
