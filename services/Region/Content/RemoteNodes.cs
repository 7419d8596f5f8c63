using System.Collections.Concurrent;
using Gallery.Region.Blocks;
using Gallery.Region.Links;
using Gallery.Region.Node;
using Gallery.Region.Replicas;
using Gallery.Region.Transfers;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Content;

/// <summary>Connections to other nodes, one a node, shared by all pulls.</summary>
internal sealed class RemoteNodes(
    BlockBatchPool pool,
    TransferLimiter limiter,
    LinkMeters meters,
    IOptions<RegionOptions> options,
    RegionTelemetry telemetry
) : IDisposable
{
    /// <summary>
    /// Batches that all pulls from other regions may hold together: they keep one for as long as the link takes to fill it, and uploads, copies
    /// inside the node and repairs need some of their own.
    /// </summary>
    private const int MaxBatches = BlockBatchPool.DefaultLimit * 3 / 4;

    /// <summary>Batches that the pulls from one region may hold: more than one pull ever does, and fewer than all, so that a slow region leaves some.</summary>
    private const int MaxBatchesPerRegion = BlockBatchPool.DefaultLimit / 2;

    private const int StreamWindow = 4 * 1024 * 1024;
    private const int MaxMessage = 4 * 1024 * 1024;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(2);

    private readonly BatchShare _batches = new(pool, MaxBatches);
    private readonly ConcurrentDictionary<string, BatchShare> _batchesOf = new(StringComparer.Ordinal);

    private readonly HttpClient _bulk = new(
        new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout,
            PooledConnectionIdleTimeout = IdleTimeout,
            UseProxy = false,
        }
    )
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly ConcurrentDictionary<string, LinkSpeed> _speeds = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, Lazy<GrpcChannel>> _channels = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Opens a content of another node.</summary>
    /// <param name="node">Which node.</param>
    /// <param name="grant">The grant that opens the content there.</param>
    public IContentSource Open(NodeSource node, string grant)
    {
        var meter = meters.Of(node.Region);
        var timeout = options.Value.SourceTimeout;
        var link = limiter.LinkFrom(node.Region, node.MaxBytesPerSecond);
        var bulk = node.HttpAddress is { } http
            ? new BlocksClient(_bulk, http, node.Region, grant, SpeedOf(http, node), link, meter, timeout, telemetry)
            : null;
        var batches = _batchesOf.GetOrAdd(node.Region, static (_, all) => new BatchShare(all, MaxBatchesPerRegion), _batches);
        return new RemoteSource(node.Region, InvokerOf(node.Address), grant, bulk, batches, link, meter, timeout);
    }

    /// <summary>The connection to a node.</summary>
    public CallInvoker InvokerOf(Uri node) =>
        _channels.GetOrAdd(node.AbsoluteUri, address => new Lazy<GrpcChannel>(() => Connect(address))).Value.CreateCallInvoker();

    private LinkSpeed SpeedOf(Uri address, NodeSource node)
    {
        var speed = _speeds.GetOrAdd(address.AbsoluteUri, _ => new LinkSpeed());
        speed.Expect(node.LinkBytesPerSecond);
        return speed;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _bulk.Dispose();
        foreach (var batches in _batchesOf.Values)
        {
            batches.Dispose();
        }

        _batches.Dispose();
        foreach (var channel in _channels.Values)
        {
            channel.Value.Dispose();
        }
    }

    private static GrpcChannel Connect(string address) =>
        GrpcChannel.ForAddress(
            address,
            new GrpcChannelOptions
            {
                MaxReceiveMessageSize = MaxMessage,
                DisposeHttpClient = true,
                HttpHandler = new SocketsHttpHandler
                {
                    ConnectTimeout = ConnectTimeout,
                    EnableMultipleHttp2Connections = true,
                    InitialHttp2StreamWindowSize = StreamWindow,
                    KeepAlivePingDelay = TimeSpan.FromSeconds(10),
                    KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
                    PooledConnectionIdleTimeout = IdleTimeout,
                    UseProxy = false,
                },
            }
        );
}
