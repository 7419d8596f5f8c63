using System.Reflection;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Links;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Zones;
using Gallery.ServiceDefaults.Access;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Options;
using V1 = Gallery.Contracts.Region.V1;

namespace Gallery.Region.Node;

/// <summary>Tells how the node is.</summary>
internal sealed class NodeGrpcService(
    StoreSet stores,
    ReplicaManager replicas,
    ReplicaRegistry registry,
    NodeClock clock,
    PeerProbe probe,
    IOptions<RegionOptions> options
) : NodeService.NodeServiceBase
{
    private static readonly string Version =
        typeof(NodeGrpcService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    /// <inheritdoc/>
    public override Task<GetNodeResponse> GetNode(GetNodeRequest request, ServerCallContext context)
    {
        context.RequireService("replication", "catalog", "billing");
        var node = new V1.Node
        {
            Region = options.Value.Name,
            StartTime = clock.StartTime.ToTimestamp(),
            ReadyReplicaCount = registry.ReadyCount,
            DamagedReplicaCount = registry.DamagedCount,
            ReplicaRevision = registry.Revision,
            RunningPullCount = replicas.RunningPulls,
            SoftwareVersion = Version,
        };
        for (var zone = 1; zone <= stores.ZoneCount; zone++)
        {
            node.Zones.Add(ToMessage(stores.StateOf(zone)));
        }

        return Task.FromResult(new GetNodeResponse { Node = node });
    }

    /// <inheritdoc/>
    public override async Task<MeasurePeersResponse> MeasurePeers(MeasurePeersRequest request, ServerCallContext context)
    {
        context.RequireService("replication");
        var links = await probe.MeasureAsync(RequestChecks.RequirePeers(request.Peers), context.CancellationToken);
        return new MeasurePeersResponse { Links = { links } };
    }

    private static Zone ToMessage(ZoneState state) =>
        new()
        {
            Number = state.Number,
            Healthy = state.Failure.Length == 0,
            Details = state.Failure,
            UsedBytes = state.UsedBytes,
            AvailableBytes = state.AvailableBytes,
        };
}
