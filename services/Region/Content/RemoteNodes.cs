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
    private const int StreamWindow = 4 * 1024 * 1024;
    private const int MaxMessage = 4 * 1024 * 1024;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(2);

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
            ? new BlocksClient(_bulk, http, node.Region, grant, SpeedOf(http), link, meter, timeout, telemetry)
            : null;
        return new RemoteSource(node.Region, InvokerOf(node.Address), grant, bulk, pool, link, meter, timeout);
    }

    /// <summary>The connection to a node.</summary>
    public CallInvoker InvokerOf(Uri node) =>
        _channels.GetOrAdd(node.AbsoluteUri, address => new Lazy<GrpcChannel>(() => Connect(address))).Value.CreateCallInvoker();

    private LinkSpeed SpeedOf(Uri node) => _speeds.GetOrAdd(node.AbsoluteUri, _ => new LinkSpeed());

    /// <inheritdoc/>
    public void Dispose()
    {
        _bulk.Dispose();
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
