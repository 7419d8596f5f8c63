using System.Diagnostics;
using Gallery.TestKit;
using Grpc.Net.Client;

namespace Gallery.Region.Tests.Support;

/// <summary>A node in a process of its own, to be killed.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly GrpcChannel _anonymous;
    private readonly GrpcChannel _replication;

    private NodeProcess(Process process, GrpcChannel anonymous, GrpcChannel replication, NodeClient client)
    {
        _process = process;
        _anonymous = anonymous;
        _replication = replication;
        Client = client;
    }

    public NodeClient Client { get; }

    public static async Task<NodeProcess> StartAsync(
        TestIssuer issuer,
        TestGrants grants,
        string region,
        TempFolder data,
        params (string Key, string Value)[] settings
    )
    {
        var (http, grpc) = (FreePort.Next(), FreePort.Next());
        var program = typeof(Program).Assembly.Location;
        var start = new ProcessStartInfo("dotnet", [program])
        {
            WorkingDirectory = Path.GetDirectoryName(program),
            RedirectStandardOutput = true,
        };
        (string Key, string Value)[] all =
        [
            ("Kestrel:Endpoints:http:Url", $"http://127.0.0.1:{http}"),
            ("Kestrel:Endpoints:grpc:Url", $"http://127.0.0.1:{grpc}"),
            ("Kestrel:Endpoints:grpc:Protocols", "Http2"),
            ("Authentication:Authority", issuer.Url),
            ("Authentication:RequireHttpsMetadata", "false"),
            ("Region:Name", region),
            ("Region:Zones", "3"),
            ("Region:DataPath", data.Path),
            ("Grants:PublicKey", grants.PublicKey),
            .. settings,
        ];
        foreach (var (key, value) in all)
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        var process = Process.Start(start)!;
        _ = process.StandardOutput.ReadToEndAsync();
        using var client = new HttpClient();
        await Eventually.Async(
            async () =>
            {
                Assert.False(process.HasExited, "The node ended.");
                try
                {
                    return (await client.GetAsync($"http://127.0.0.1:{http}/health")).IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(30)
        );
        var anonymous = GrpcChannel.ForAddress($"http://127.0.0.1:{grpc}");
        var replication = GrpcChannel.ForAddress(
            $"http://127.0.0.1:{grpc}",
            new GrpcChannelOptions
            {
                HttpHandler = new Bearer(issuer.TokenOf(TestPrincipal.Service("replication"))),
                DisposeHttpClient = true,
            }
        );
        return new NodeProcess(
            process,
            anonymous,
            replication,
            new NodeClient(anonymous, replication, region, new Uri($"http://127.0.0.1:{http}"), grants)
        );
    }

    /// <summary>Ends the process as a crash does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _anonymous.Dispose();
        _replication.Dispose();
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }

    private sealed class Bearer(string token) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = new("Bearer", token);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
