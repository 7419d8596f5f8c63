using System.Collections.Concurrent;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Replication.Tests.Support;

/// <summary>Stands for a region's node: makes replicas at once, or as a test tells it.</summary>
public sealed class ScriptedNode : IAsyncDisposable
{
    private readonly ConcurrentQueue<PullReplicaRequest> _pulls = new();
    private readonly ConcurrentQueue<DeleteReplicaRequest> _deletes = new();
    private readonly ConcurrentQueue<StopReplicaRequest> _stops = new();
    private readonly ConcurrentDictionary<string, long> _tokens = new();
    private readonly ConcurrentDictionary<string, NodeReplica> _replicas = new();
    private PeerServer? _server;

    private ScriptedNode(string region) => Region = region;

    public string Region { get; }

    public string Url => _server!.Url;

    public PeerServer Server => _server!;

    /// <summary>The pulls that were asked for.</summary>
    public IReadOnlyList<PullReplicaRequest> Pulls => [.. _pulls];

    /// <summary>The replicas that were to be dropped.</summary>
    public IReadOnlyList<DeleteReplicaRequest> Deletes => [.. _deletes];

    /// <summary>The replicas that were to be stopped.</summary>
    public IReadOnlyList<StopReplicaRequest> Stops => [.. _stops];

    /// <summary>Uploads that were dropped.</summary>
    public ConcurrentQueue<string> DroppedUploads { get; } = new();

    /// <summary>The replicas that are complete.</summary>
    public IReadOnlyCollection<string> Replicas => [.. _replicas.Keys];

    /// <summary>What a pull does in place of becoming complete at once; ends it by failing, or lets it become complete by returning.</summary>
    public Func<Pull, Task> OnPull { get; set; } = _ => Task.CompletedTask;

    /// <summary>What a commit answers.</summary>
    public Func<string, CommitUploadResponse> OnCommit { get; set; } =
        upload => Committed(upload, "sha256:" + new string('a', 64), 1L << 20, 1 << 16);

    /// <summary>Imports that were begun, by what was asked.</summary>
    public ConcurrentQueue<StartImportRequest> StartedImports { get; } = new();

    /// <summary>Where imports stand, by their uploads.</summary>
    public ConcurrentDictionary<string, Import> ImportStates { get; } = new();

    /// <summary>What beginning an import answers.</summary>
    public Func<StartImportRequest, Import> OnImport { get; set; } =
        request => new Import { UploadId = request.UploadId, State = ImportState.Running };

    /// <summary>Zones that it tells of.</summary>
    public Zone[] Zones { get; set; } =
    [
        new Zone
        {
            Number = 1,
            Healthy = true,
            AvailableBytes = 1000,
            UsedBytes = 10,
        },
    ];

    /// <summary>The ways to it that it tells of.</summary>
    public Func<PeerNode, PeerLink> OnMeasure { get; set; } =
        peer => new PeerLink
        {
            Region = peer.Region,
            Reachable = true,
            RoundTripMicros = 1000,
        };

    /// <summary>The region it says it serves.</summary>
    public string? Pretends { get; set; }

    public static async Task<ScriptedNode> StartAsync(string region)
    {
        var node = new ScriptedNode(region);
        node._server = await PeerServer.StartAsync(new Nodes(node), new ReplicaPart(node), new Uploads(node), new Imports(node));
        return node;
    }

    public static CommitUploadResponse Committed(string upload, string digest, long size, long occupied) =>
        new()
        {
            DetectedFormat = DiskFormat.Raw,
            Upload = new Upload
            {
                UploadId = upload,
                ReceivedBytes = occupied,
                Content = new ContentDescriptor
                {
                    Digest = digest,
                    VirtualSizeBytes = size,
                    OccupiedSizeBytes = occupied,
                },
            },
        };

    public async ValueTask DisposeAsync() => await _server!.DisposeAsync();

    /// <summary>A pull under way.</summary>
    public sealed class Pull(PullReplicaRequest request, IServerStreamWriter<PullReplicaResponse> stream, CancellationToken cancellation)
    {
        public PullReplicaRequest Request => request;

        public CancellationToken Cancellation => cancellation;

        public long Total => request.Disks.Sum(disk => disk.Content.OccupiedSizeBytes);

        public bool Crosses(string region) => request.Sources[0].Region != region;

        public Task TellAsync(long copied, NodeReplicaState state = NodeReplicaState.Copying, long transferred = 0) =>
            stream.WriteAsync(
                new PullReplicaResponse
                {
                    Replica = new NodeReplica
                    {
                        ReplicaId = request.ReplicaId,
                        State = state,
                        CopiedBytes = copied,
                        TotalBytes = Total,
                        TransferredBytes = transferred,
                        SourceRegion = request.Sources[0].Region,
                    },
                }
            );

        /// <summary>Waits as long as the caller does.</summary>
        public Task HangAsync() => Task.Delay(Timeout.Infinite, cancellation);
    }

    private sealed class Nodes(ScriptedNode node) : NodeService.NodeServiceBase
    {
        public override Task<GetNodeResponse> GetNode(GetNodeRequest request, ServerCallContext context) =>
            Task.FromResult(
                new GetNodeResponse
                {
                    Node = new Node { Region = node.Pretends ?? node.Region, Zones = { node.Zones } },
                }
            );

        public override Task<MeasurePeersResponse> MeasurePeers(MeasurePeersRequest request, ServerCallContext context) =>
            Task.FromResult(new MeasurePeersResponse { Links = { request.Peers.Select(node.OnMeasure) } });
    }

    private sealed class ReplicaPart(ScriptedNode node) : ReplicaService.ReplicaServiceBase
    {
        public override async Task PullReplica(
            PullReplicaRequest request,
            IServerStreamWriter<PullReplicaResponse> responseStream,
            ServerCallContext context
        )
        {
            Fence(request.ReplicaId, request.FencingToken);
            node._pulls.Enqueue(request);
            var pull = new Pull(request, responseStream, context.CancellationToken);
            await node.OnPull(pull);
            var replica = new NodeReplica
            {
                ReplicaId = request.ReplicaId,
                State = NodeReplicaState.Ready,
                CopiedBytes = pull.Total,
                TotalBytes = pull.Total,
                TransferredBytes = pull.Crosses(node.Region) ? pull.Total : 0,
                SourceRegion = request.Sources[0].Region,
                ReadyTime = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)),
            };
            node._replicas[request.ReplicaId] = replica;
            await responseStream.WriteAsync(new PullReplicaResponse { Replica = replica });
        }

        public override Task<StopReplicaResponse> StopReplica(StopReplicaRequest request, ServerCallContext context)
        {
            Fence(request.ReplicaId, request.FencingToken);
            node._stops.Enqueue(request);
            return Task.FromResult(new StopReplicaResponse());
        }

        public override Task<DeleteReplicaResponse> DeleteReplica(DeleteReplicaRequest request, ServerCallContext context)
        {
            Fence(request.ReplicaId, request.FencingToken);
            node._deletes.Enqueue(request);
            node._replicas.TryRemove(request.ReplicaId, out _);
            return Task.FromResult(new DeleteReplicaResponse());
        }

        private void Fence(string replica, long token)
        {
            if (node._tokens.AddOrUpdate(replica, token, (_, last) => Math.Max(last, token)) != token)
            {
                throw GalleryError.Create(StatusCode.FailedPrecondition, ErrorReason.Fenced, "A newer holder has taken over.");
            }
        }
    }

    private sealed class Imports(ScriptedNode node) : ImportService.ImportServiceBase
    {
        public override Task<StartImportResponse> StartImport(StartImportRequest request, ServerCallContext context)
        {
            node.StartedImports.Enqueue(request);
            var import = node.ImportStates[request.UploadId] = node.OnImport(request);
            return Task.FromResult(new StartImportResponse { Import = import });
        }

        public override Task<GetImportResponse> GetImport(GetImportRequest request, ServerCallContext context) =>
            node.ImportStates.TryGetValue(request.UploadId, out var import)
                ? Task.FromResult(new GetImportResponse { Import = import })
                : throw GalleryError.NotFound("import", request.UploadId);
    }

    private sealed class Uploads(ScriptedNode node) : UploadService.UploadServiceBase
    {
        public override Task<CommitUploadResponse> CommitUpload(CommitUploadRequest request, ServerCallContext context) =>
            Task.FromResult(node.OnCommit(request.UploadId));

        public override Task<DeleteUploadResponse> DeleteUpload(DeleteUploadRequest request, ServerCallContext context)
        {
            node.DroppedUploads.Enqueue(request.UploadId);
            return Task.FromResult(new DeleteUploadResponse());
        }
    }
}
