using System.Diagnostics;
using System.Diagnostics.Metrics;
using Gallery.LocalHosting.Telemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Gallery.LocalHosting.Tests;

/// <summary>The receiver, spoken to by OpenTelemetry's own exporters.</summary>
public sealed class TelemetryTests
{
    private const string Source = "Gallery.LocalHosting.Tests.Telemetry";

    [Fact]
    public async Task Spans_logs_and_metrics_of_a_real_exporter_arrive_and_are_shown()
    {
        await using var host = await TestHost.StartAsync(TestHost.Builder());
        var store = host.Services.GetRequiredService<TelemetryStore>();
        var configuration = host.Services.GetRequiredService<IConfiguration>();
        var resource = ResourceBuilder.CreateEmpty().AddService("tester", serviceInstanceId: "abc");
        void To(OtlpExporterOptions options)
        {
            options.Endpoint = new Uri(host.Endpoints.OtlpUrl);
            options.Protocol = OtlpExportProtocol.Grpc;
            options.Headers = $"x-otlp-api-key={configuration["AppHost:OtlpApiKey"]}";
        }

        using var source = new ActivitySource(Source);
        using var meter = new Meter(Source);
        using var traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .SetSampler<AlwaysOnSampler>()
            .AddSource(Source)
            .AddOtlpExporter(To)
            .Build();
        using var metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Source).AddOtlpExporter(To).Build();
        using var logs = LoggerFactory.Create(logging =>
            logging.AddOpenTelemetry(options => options.SetResourceBuilder(resource).AddOtlpExporter(To))
        );

        string traceId;
        using (var parent = source.StartActivity("publish", ActivityKind.Server)!)
        {
            traceId = parent.TraceId.ToHexString();
            using var child = source.StartActivity("pull", ActivityKind.Client)!;
            child.SetTag("region", "eastus").SetStatus(ActivityStatusCode.Error, "no route");
            child.AddEvent(new ActivityEvent("retry"));
            logs.CreateLogger("Gallery.Pulls").LogWarning("Pulled {Blocks} blocks", 42);
        }

        meter.CreateCounter<long>("gallery.blocks", "{block}").Add(42, new KeyValuePair<string, object?>("region", "eastus"));
        meter.CreateHistogram<double>("gallery.pull", "s").Record(0.3);
        traces.ForceFlush();
        metrics.ForceFlush();
        logs.Dispose();

        var trace = store.Trace(traceId)!;
        Assert.Equal("publish", trace.Root.Name);
        var pull = trace.Spans.Single(span => span.Name == "pull");
        Assert.Equal(
            (trace.Root.SpanId, "tester", "Client", true, "no route"),
            (pull.ParentId, pull.Service, pull.Kind, pull.IsError, pull.StatusMessage)
        );
        Assert.Contains(new("region", "eastus"), pull.Attributes);
        Assert.Equal("retry", pull.Events.Single().Name);

        var log = store.Logs(10, log => log.TraceId == traceId).Single();
        Assert.Equal(("Pulled 42 blocks", "warn", "Gallery.Pulls", pull.SpanId), (log.Message, log.Level, log.Category, log.SpanId));

        var counter = store.Metrics(metric => metric.Name == "gallery.blocks").Single();
        Assert.Equal(("42", "region=eastus", "{block}"), (counter.Value, counter.Attributes, counter.Unit));
        Assert.StartsWith(
            "1 times, mean 0.3, p95",
            store.Metrics(metric => metric.Name == "gallery.pull").Single().Value,
            StringComparison.Ordinal
        );

        using var http = new HttpClient { BaseAddress = new Uri(host.Endpoints.PageUrl) };
        Assert.Contains("publish", await http.GetStringAsync(new Uri("/traces?text=pull", UriKind.Relative)), StringComparison.Ordinal);
        Assert.Contains(
            "Pulled 42 blocks",
            await http.GetStringAsync(new Uri($"/traces/{traceId}", UriKind.Relative)),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Pulled 42 blocks",
            await http.GetStringAsync(new Uri("/logs?level=warn", UriKind.Relative)),
            StringComparison.Ordinal
        );
        Assert.Contains("gallery.blocks", await http.GetStringAsync(new Uri("/metrics", UriKind.Relative)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_the_key_nothing_is_accepted()
    {
        await using var host = await TestHost.StartAsync(TestHost.Builder());
        using var source = new ActivitySource(Source + ".Stranger");
        using var traces = Sdk.CreateTracerProviderBuilder()
            .SetSampler<AlwaysOnSampler>()
            .AddSource(source.Name)
            .AddOtlpExporter(options => options.Endpoint = new Uri(host.Endpoints.OtlpUrl))
            .Build();
        source.StartActivity("intrude")?.Dispose();
        traces.ForceFlush(2000);
        Assert.Empty(host.Services.GetRequiredService<TelemetryStore>().Traces(10, _ => true));
    }

    [Fact]
    public void The_store_is_bounded_and_the_oldest_trace_makes_room()
    {
        var store = new TelemetryStore();
        for (var trace = 0; trace < TelemetryStore.MostSpans + 10; trace++)
        {
            store.Add([Span($"{trace:x32}", "root")]);
        }

        Assert.Null(store.Trace($"{9:x32}"));
        Assert.NotNull(store.Trace($"{10:x32}"));
        store.Add(Enumerable.Range(0, TelemetryStore.MostSpansPerTrace + 5).Select(number => Span("one", $"{number}")));
        Assert.Equal(TelemetryStore.MostSpansPerTrace, store.Trace("one")!.Spans.Count);
    }

    private static SpanEntry Span(string traceId, string spanId) =>
        new(traceId, spanId, "", "service", "", "name", "", 1, 2, false, "", [], [], []);
}
