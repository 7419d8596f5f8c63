using System.Collections.Concurrent;
using System.Diagnostics;
using Gallery.ServiceDefaults.Telemetry;
using Gallery.ServiceDefaults.Tests.Probe;
using Gallery.TestKit;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Gallery.ServiceDefaults.Tests.Telemetry;

[Collection("probe")]
public sealed class TelemetryTests(ProbeHost probe)
{
    [Fact]
    public async Task Traces_metrics_and_logs_go_to_the_collector_that_is_configured()
    {
        var received = new ConcurrentDictionary<string, byte[]>();
        var port = FreePort.Next();
        await using var collector = StartCollector(port, received);
        await collector.StartAsync();
        await using var host = await ServiceHost<Program>.StartAsync(o =>
            o.WithRedis(probe.Redis)
                .WithSetting("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{port}")
                .WithSetting("OTEL_TRACES_SAMPLER", "always_on")
                .WithSetting("OTEL_BSP_SCHEDULE_DELAY", "100")
                .WithSetting("OTEL_BLRP_SCHEDULE_DELAY", "100")
                .WithSetting("OTEL_METRIC_EXPORT_INTERVAL", "200")
        );
        host.Services.GetRequiredService<ILogger<TelemetryTests>>().LogWarning("Something worth telling");
        var client = new ProbeService.ProbeServiceClient(host.ChannelAs(TestPrincipal.Owner));
        using (var beats = new ActivitySource("Gallery.Beats"))
        using (Untraced.Begin())
        {
            Assert.Null(beats.StartActivity("a heartbeat"));
            await host.Http.GetAsync(new Uri("/gallery.region.v1.NodeService/GetNode", UriKind.Relative));
        }

        await client.GetProbeAsync(new());

        await Eventually.Async(
            () => Contains(received, "TraceService", "gallery.probe.v1.ProbeService/GetProbe"),
            what: "the span of the call"
        );
        Assert.False(Contains(received, "TraceService", "NodeService"));
        await Eventually.Async(() => Contains(received, "LogsService", "Something worth telling"), what: "the log line");
        await Eventually.Async(
            () =>
                Contains(received, "MetricsService", "gallery.redis.mutation.duration")
                || Contains(received, "MetricsService", "gallery.events"),
            what: "our metrics"
        );
    }

    private static bool Contains(ConcurrentDictionary<string, byte[]> received, string service, string text) =>
        received.Any(entry =>
            entry.Key.Contains(service, StringComparison.Ordinal)
            && System.Text.Encoding.UTF8.GetString(entry.Value).Contains(text, StringComparison.Ordinal)
        );

    // Knows nothing of the protocol but its paths; that suffices to see what arrives.
    private static WebApplication StartCollector(int port, ConcurrentDictionary<string, byte[]> received)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        var number = 0;
        app.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            received[$"{Interlocked.Increment(ref number)} {http.Request.Path}"] = body.ToArray();
            http.Response.ContentType = "application/grpc";
            await http.Response.Body.WriteAsync(new byte[5]);
            http.Response.AppendTrailer("grpc-status", "0");
        });
        return app;
    }
}
