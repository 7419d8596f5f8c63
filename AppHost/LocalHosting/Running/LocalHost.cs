using System.Net;
using Gallery.LocalHosting.Dashboard;
using Gallery.LocalHosting.Page;
using Gallery.LocalHosting.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gallery.LocalHosting.Running;

/// <summary>Makes the host: the orchestrator, the receiver of telemetry, the resource service and the page.</summary>
internal static class LocalHost
{
    public static WebApplication Build(WebApplicationBuilder web, string appHostDirectory, IReadOnlyList<IResource> resources)
    {
        var options = new LocalHostOptions();
        web.Configuration.GetSection("LocalHosting").Bind(options);
        options.DataPath = Path.GetFullPath(
            web.Configuration["DataPath"] is { Length: > 0 } path ? path : ".data",
            Path.Combine(appHostDirectory, "..")
        );
        var endpoints = HostEndpoints.From(web.Configuration);

        AddLogging(web.Logging);
        AddServices(web.Services, options, endpoints, resources);
        web.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, endpoints.PagePort, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, endpoints.OtlpPort, listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, endpoints.ResourceServicePort, listen => listen.Protocols = HttpProtocols.Http2);
        });

        var app = web.Build();
        app.UseHostFiltering();
        app.MapTelemetry();
        app.MapGrpcService<DashboardGrpcService>();
        app.MapPage();
        return app;
    }

    private static void AddServices(
        IServiceCollection services,
        LocalHostOptions options,
        HostEndpoints endpoints,
        IReadOnlyList<IResource> resources
    )
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options).AddSingleton(endpoints).AddSingleton(resources);
        services.AddSingleton<ResourceBoard>().AddSingleton<ConsoleLogs>().AddSingleton<ProcessLauncher>().AddSingleton<RunState>();
        services.AddSingleton<HealthMonitor>().AddSingleton<EnvironmentComposer>();
        services.AddSingleton<Orchestrator>().AddHostedService(provider => provider.GetRequiredService<Orchestrator>());
        services.AddHostedService<StartupReport>();
        services.AddSingleton<TelemetryStore>();
        services.AddHealthChecks();
        services.AddGrpc();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMinutes(1));

        // A name that points to the loopback must not let a web page elsewhere read or command what runs here.
        services.AddHostFiltering(filter => filter.AllowedHosts = ["localhost", "127.0.0.1", "[::1]"]);
    }

    private static void AddLogging(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.AddSimpleConsole(console => console.SingleLine = true);
        logging.SetMinimumLevel(LogLevel.Warning);
        logging.AddFilter("Gallery", LogLevel.Information);

        // What goes wrong at the start is told in one sentence, without a stack trace.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);

        // Kestrel warns that the addresses it is given here replace those of the environment, which is meant; the health of resources
        // is shown on the page, and while they start it is bad by nature.
        logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);
        logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
    }
}
