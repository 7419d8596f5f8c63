using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.TestKit;

/// <summary>A call that a peer received.</summary>
/// <param name="Method">The rpc: <c>/gallery.sharing.v1.AccessService/CheckAccess</c>.</param>
/// <param name="Token">The bearer token that came with it; empty when there was none.</param>
public sealed record PeerCall(string Method, string Token);

/// <summary>
/// A gRPC server in this process that stands for the services which the one under test calls. The implementations are made from the
/// generated base classes and follow a script.
/// </summary>
public sealed class PeerServer : IAsyncDisposable
{
    private readonly object[] _services;
    private readonly int _port = FreePort.Next();
    private readonly ConcurrentQueue<PeerCall> _calls = new();
    private WebApplication? _app;

    private PeerServer(object[] services) => _services = services;

    /// <summary>Where it listens (HTTP/2 without TLS).</summary>
    public string Url => $"http://127.0.0.1:{_port}";

    /// <summary>The calls received so far.</summary>
    public IReadOnlyList<PeerCall> Calls => [.. _calls];

    /// <summary>Starts a peer.</summary>
    /// <param name="services">Instances of classes derived from generated service bases.</param>
    public static async Task<PeerServer> StartAsync(params object[] services)
    {
        var peer = new PeerServer(services);
        await peer.StartAgainAsync();
        return peer;
    }

    /// <summary>Ends it: whoever calls now finds nobody there.</summary>
    public async Task StopAsync()
    {
        if (_app is not null)
        {
            using var now = new CancellationTokenSource(TimeSpan.Zero);
            await _app.StopAsync(now.Token);
            await _app.DisposeAsync();
            _app = null;
        }
    }

    /// <summary>Starts it again on the same port.</summary>
    public async Task StartAgainAsync()
    {
        // Empty, so that the appsettings.json of the service under test, which lies beside the tests, does not count here.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel => kestrel.ListenLocalhost(_port, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc();
        foreach (var service in _services)
        {
            builder.Services.AddSingleton(service.GetType(), service);
        }

        _app = builder.Build();
        _app.Use(
            async (http, next) =>
            {
                _calls.Enqueue(
                    new PeerCall(
                        http.Request.Path,
                        http.Request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal)
                    )
                );
                await next(http);
            }
        );
        foreach (var service in _services)
        {
            Map.MakeGenericMethod(service.GetType()).Invoke(null, [_app]);
        }

        await _app.StartAsync();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync() => await StopAsync();

    private static readonly MethodInfo Map = typeof(GrpcEndpointRouteBuilderExtensions).GetMethod(
        nameof(GrpcEndpointRouteBuilderExtensions.MapGrpcService),
        1,
        [typeof(Microsoft.AspNetCore.Routing.IEndpointRouteBuilder)]
    )!;
}
