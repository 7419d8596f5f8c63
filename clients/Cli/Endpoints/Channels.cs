using Gallery.Cli.Errors;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;

namespace Gallery.Cli.Endpoints;

/// <summary>Opens connections: to services with the signed-in person's token, to nodes with a grant.</summary>
internal sealed class Channels(TimeProvider time) : IDisposable
{
    /// <summary>Longest message taken: a node's piece of a disk is smaller.</summary>
    private const int LargestMessage = 8 << 20;

    /// <summary>A service that is just being restarted is worth a second of patience; changing requests carry a request id.</summary>
    private static readonly ServiceConfig RetryUnavailable = new()
    {
        MethodConfigs =
        {
            new MethodConfig
            {
                Names = { MethodName.Default },
                RetryPolicy = new RetryPolicy
                {
                    MaxAttempts = 4,
                    InitialBackoff = TimeSpan.FromMilliseconds(100),
                    MaxBackoff = TimeSpan.FromMilliseconds(800),
                    BackoffMultiplier = 2,
                    RetryableStatusCodes = { StatusCode.Unavailable },
                },
            },
        },
    };

    private readonly List<GrpcChannel> opened = [];
    private readonly Lock gate = new();

    /// <summary>Calls to a service.</summary>
    /// <param name="service">The service's name, for messages.</param>
    /// <param name="url">Its address.</param>
    /// <param name="token">Gives a valid access token for each call.</param>
    public CallInvoker ToService(string service, string url, Func<CancellationToken, Task<string>> token)
    {
        var credentials = CallCredentials.FromInterceptor(
            async (context, metadata) => metadata.Add("authorization", $"Bearer {await token(context.CancellationToken)}")
        );
        var secure = url.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
        var channel = Open(
            url,
            new GrpcChannelOptions
            {
                Credentials = ChannelCredentials.Create(secure ? ChannelCredentials.SecureSsl : ChannelCredentials.Insecure, credentials),
                UnsafeUseInsecureChannelCallCredentials = !secure,
                ServiceConfig = RetryUnavailable,
            }
        );
        return channel.Intercept(new CallNotes(new Callee(service, url), time));
    }

    /// <summary>Calls to a region's node. Each connection is one of its own: bytes in bulk go over several.</summary>
    public CallInvoker ToNode(string region, string url) =>
        Open(url, new GrpcChannelOptions()).Intercept(new CallNotes(new Callee($"{region} region", url), time));

    /// <summary>Requests to nodes, for bytes in bulk.</summary>
    public HttpClient Http { get; } =
        new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(5), PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };

    /// <inheritdoc />
    public void Dispose()
    {
        Http.Dispose();
        foreach (var channel in opened)
        {
            channel.Dispose();
        }
    }

    private GrpcChannel Open(string url, GrpcChannelOptions options)
    {
        options.HttpHandler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(5),
            InitialHttp2StreamWindowSize = 1 << 20,
            KeepAlivePingDelay = TimeSpan.FromSeconds(20),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(20),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
        options.DisposeHttpClient = true;
        options.InitialReconnectBackoff = TimeSpan.FromMilliseconds(100);
        options.MaxReconnectBackoff = TimeSpan.FromSeconds(1);
        options.MaxReceiveMessageSize = LargestMessage;
        var channel = GrpcChannel.ForAddress(url, options);
        lock (gate)
        {
            opened.Add(channel);
        }

        return channel;
    }
}
