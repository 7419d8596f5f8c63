using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Gallery.TestKit;

/// <summary>
/// One service, in this process but otherwise real: its own <c>Program</c>, Kestrel on loopback ports, tokens of a real issuer, a real
/// Redis.
/// </summary>
/// <typeparam name="TProgram">The service's <c>Program</c>.</typeparam>
public sealed class ServiceHost<TProgram> : IAsyncDisposable
    where TProgram : class
{
    private readonly ConcurrentDictionary<string, GrpcChannel> _channels = new();
    private readonly Factory _factory;
    private readonly bool _ownsIssuer;
    private readonly int _grpcPort;

    private ServiceHost(Factory factory, TestIssuer issuer, bool ownsIssuer, FakeTimeProvider time, int httpPort, int grpcPort)
    {
        _factory = factory;
        _ownsIssuer = ownsIssuer;
        _grpcPort = grpcPort;
        Issuer = issuer;
        Time = time;
        Http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{httpPort}") };
    }

    /// <summary>The service's clock.</summary>
    public FakeTimeProvider Time { get; }

    /// <summary>Who issues the tokens.</summary>
    public TestIssuer Issuer { get; }

    /// <summary>A client of the HTTP endpoint, without a token.</summary>
    public HttpClient Http { get; }

    /// <summary>The URL of the gRPC endpoint.</summary>
    public string GrpcUrl => $"http://127.0.0.1:{_grpcPort}";

    /// <summary>The service's own registrations.</summary>
    public IServiceProvider Services => _factory.Services;

    /// <summary>What the service logged so far, warnings and worse.</summary>
    public IReadOnlyCollection<string> Logs => _factory.Logs;

    /// <summary>Starts the service.</summary>
    /// <param name="configure">What it is given.</param>
    public static async Task<ServiceHost<TProgram>> StartAsync(Action<ServiceHostBuilder>? configure = null)
    {
        var builder = new ServiceHostBuilder();
        configure?.Invoke(builder);
        var issuer = builder.Issuer ?? await TestIssuer.StartAsync();
        var (httpPort, grpcPort) = (FreePort.Next(), FreePort.Next());
        var factory = new Factory(builder, issuer, httpPort, grpcPort);
        try
        {
            // It blocks until the service is up: on a thread of its own, because the service needs those of the pool.
            await Task.Factory.StartNew(
                factory.StartServer,
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default
            );
        }
        catch (ObjectDisposedException exception)
        {
            // The program gave up and took its host along before it could be got hold of. What it logged says why.
            var why = string.Join(Environment.NewLine, factory.Logs);
            await factory.DisposeAsync();
            throw new InvalidOperationException($"The service did not start. {why}", exception);
        }
        catch
        {
            await factory.DisposeAsync();
            throw;
        }

        return new ServiceHost<TProgram>(factory, issuer, builder.Issuer is null, builder.Time, httpPort, grpcPort);
    }

    /// <summary>A channel whose calls are made by a principal.</summary>
    public GrpcChannel ChannelAs(TestPrincipal principal) => ChannelWithToken(Issuer.TokenOf(principal));

    /// <summary>A channel whose calls are made by one of the gallery's services.</summary>
    public GrpcChannel ChannelAsService(string name) => ChannelAs(TestPrincipal.Service(name));

    /// <summary>A channel whose calls carry no token.</summary>
    public GrpcChannel AnonymousChannel() => ChannelWithToken("");

    /// <summary>A channel whose calls carry a token that need not be one.</summary>
    public GrpcChannel ChannelWithToken(string token) =>
        _channels.GetOrAdd(
            token,
            _ =>
                GrpcChannel.ForAddress(
                    GrpcUrl,
                    new GrpcChannelOptions
                    {
                        HttpHandler = new BearerHandler(token)
                        {
                            InnerHandler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true },
                        },
                        DisposeHttpClient = true,
                        MaxReceiveMessageSize = null,
                    }
                )
        );

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels.Values)
        {
            channel.Dispose();
        }

        Http.Dispose();
        await _factory.DisposeAsync();
        if (_ownsIssuer)
        {
            await Issuer.DisposeAsync();
        }
    }

    private sealed class BearerHandler(string token) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (token.Length > 0)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class Factory : WebApplicationFactory<TProgram>
    {
        private readonly ServiceHostBuilder _given;
        private readonly Dictionary<string, string> _settings;

        public Factory(ServiceHostBuilder given, TestIssuer issuer, int httpPort, int grpcPort)
        {
            _given = given;
            var name = typeof(TProgram).Assembly.GetName().Name!;
            var service = name["Gallery.".Length..];
            // The service's own appsettings.json counts, so its folder in the repository is the content root.
            Environment.SetEnvironmentVariable(
                $"ASPNETCORE_TEST_CONTENTROOT_{name.ToUpperInvariant().Replace('.', '_')}",
                Repository.Service(service)
            );
            _settings = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
            {
                ["Kestrel:Endpoints:http:Url"] = $"http://127.0.0.1:{httpPort}",
                ["Kestrel:Endpoints:grpc:Url"] = $"http://127.0.0.1:{grpcPort}",
                ["Kestrel:Endpoints:grpc:Protocols"] = "Http2",
                ["Logging:Console:LogLevel:Default"] = "None",
                ["Authentication:Authority"] = issuer.Url,
                ["Authentication:RequireHttpsMetadata"] = "false",
                ["ServiceCredentials:ClientId"] = service.ToLowerInvariant(),
                ["ServiceCredentials:ClientSecret"] = TestIssuer.ClientSecret,
            };
            foreach (var (key, value) in given.Settings)
            {
                _settings[key] = value;
            }

            UseKestrel();
        }

        public ConcurrentQueue<string> Logs { get; } = new();

        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            foreach (var (key, value) in _settings)
            {
                builder.UseSetting(key, value);
            }

            builder.ConfigureLogging(logging => logging.AddProvider(new TestLogs(Logs)));
            builder.ConfigureTestServices(services =>
            {
                if (!_given.UseSystemTime)
                {
                    services.RemoveAll<TimeProvider>();
                    services.AddSingleton<TimeProvider>(_given.Time);
                }

                foreach (var change in _given.ServiceChanges)
                {
                    change(services);
                }
            });
        }
    }
}
