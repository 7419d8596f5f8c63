using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Gallery.ServiceDefaults.Telemetry;

/// <summary>Gives a process its telemetry.</summary>
public static class TelemetryExtensions
{
    private const string Sources = "Gallery.*";

    /// <summary>
    /// Traces, metrics and logs go to the collector that <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names. Without one nothing is gathered, because
    /// spans cost a cheap call up to half of its time; trace ids are passed on all the same.
    /// </summary>
    /// <param name="builder">The process.</param>
    /// <param name="serviceName">Its name, unless <c>OTEL_SERVICE_NAME</c> says otherwise.</param>
    public static void AddGalleryTelemetry(this WebApplicationBuilder builder, string serviceName)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            return;
        }

        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });
        builder
            .Services.AddOpenTelemetry()
            .ConfigureResource(resource =>
                resource.AddService(builder.Configuration["OTEL_SERVICE_NAME"] ?? serviceName, autoGenerateServiceInstanceId: false)
            )
            .WithMetrics(metrics =>
                metrics
                    .AddAspNetCoreInstrumentation()
                    .AddHttpClientInstrumentation()
                    .AddRuntimeInstrumentation()
                    .AddMeter(Sources, "Polly", "Microsoft.AspNetCore.Server.Kestrel")
            )
            .WithTracing(traces => Trace(traces, builder.Configuration))
            .UseOtlpExporter();
    }

    // Asked all the time by whoever watches; what is asked with Untraced has no span of the caller that these could belong to.
    private static bool IsHousekeeping(PathString path) =>
        path == "/health"
        || path == "/alive"
        || path.StartsWithSegments("/grpc.health.v1.Health")
        || path.StartsWithSegments("/gallery.region.v1.NodeService");

    private static void Trace(TracerProviderBuilder traces, ConfigurationManager configuration)
    {
        traces
            .AddAspNetCoreInstrumentation(options => options.Filter = http => !IsHousekeeping(http.Request.Path))
            .AddGrpcClientInstrumentation()
            .AddHttpClientInstrumentation()
            .AddSource(Sources);
        // OTEL_TRACES_SAMPLER rules where it is set; the SDK reads it by itself.
        if (string.IsNullOrEmpty(configuration["OTEL_TRACES_SAMPLER"]))
        {
            traces.SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(configuration.GetValue("Telemetry:TraceRatio", 0.1))));
        }
    }
}
