using Gallery.Contracts.Region.V1;
using Grpc.Net.Client;
using Polly;
using Polly.Registry;

namespace Gallery.Replication.Regions;

/// <summary>The way to a region's node: its clients, and the pipeline that calls go through.</summary>
/// <param name="Options">The region.</param>
/// <param name="Health">Heartbeats. Not sent through the pipeline: they find out whether the node is back.</param>
/// <param name="Replicas">Making and dropping replicas.</param>
/// <param name="Uploads">Committing and dropping uploads.</param>
/// <param name="Imports">Having files fetched.</param>
/// <param name="Pipeline">Time limit, quick retries and circuit breaker of this region alone, so that a bad one never slows another.</param>
internal sealed record RegionNode(
    RegionOptions Options,
    NodeService.NodeServiceClient Health,
    ReplicaService.ReplicaServiceClient Replicas,
    UploadService.UploadServiceClient Uploads,
    ImportService.ImportServiceClient Imports,
    ResiliencePipeline Pipeline
);

/// <summary>The nodes of all regions. One channel a node, for the life of the process.</summary>
internal sealed class RegionNodes : IDisposable
{
    private readonly Dictionary<string, RegionNode> _nodes = [];
    private readonly List<GrpcChannel> _channels = [];

    /// <summary>Opens the channels; nothing is sent yet.</summary>
    public RegionNodes(RegionRegistry regions, IHttpClientFactory clients, ResiliencePipelineProvider<string> pipelines)
    {
        foreach (var region in regions.All)
        {
            var channel = GrpcChannel.ForAddress(
                region.GrpcUrl,
                new GrpcChannelOptions { HttpClient = clients.CreateClient(NameOf(region.Name)), DisposeHttpClient = true }
            );
            _channels.Add(channel);
            _nodes.Add(
                region.Name,
                new RegionNode(
                    region,
                    new NodeService.NodeServiceClient(channel),
                    new ReplicaService.ReplicaServiceClient(channel),
                    new UploadService.UploadServiceClient(channel),
                    new ImportService.ImportServiceClient(channel),
                    pipelines.GetPipeline(NameOf(region.Name))
                )
            );
        }
    }

    /// <summary>The name of a region's HTTP client and of its pipeline: settings in the section <c>Resilience:region-{name}</c>.</summary>
    public static string NameOf(string region) => $"region-{region}";

    /// <summary>A region's node. REGION_UNAVAILABLE when the configuration has no such region any more.</summary>
    public RegionNode this[string region] =>
        _nodes.GetValueOrDefault(region) ?? throw RegionGate.Unavailable(region, "it is not one of this gallery's any more");

    /// <inheritdoc />
    public void Dispose() => _channels.ForEach(channel => channel.Dispose());
}
