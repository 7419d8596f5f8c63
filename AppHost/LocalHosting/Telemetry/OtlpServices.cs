using Gallery.LocalHosting.Protos.Otlp.Collector.Logs;
using Gallery.LocalHosting.Protos.Otlp.Collector.Metrics;
using Gallery.LocalHosting.Protos.Otlp.Collector.Trace;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;

namespace Gallery.LocalHosting.Telemetry;

/// <summary>Receives spans.</summary>
internal sealed class OtlpTraceService(TelemetryStore store, IConfiguration configuration) : TraceService.TraceServiceBase
{
    public override Task<ExportTraceServiceResponse> Export(ExportTraceServiceRequest request, ServerCallContext context)
    {
        OtlpKey.Require(context, configuration);
        store.Add(request.ResourceSpans.SelectMany(OtlpReader.Read));
        return Task.FromResult(new ExportTraceServiceResponse());
    }
}

/// <summary>Receives log records.</summary>
internal sealed class OtlpLogsService(TelemetryStore store, IConfiguration configuration) : LogsService.LogsServiceBase
{
    public override Task<ExportLogsServiceResponse> Export(ExportLogsServiceRequest request, ServerCallContext context)
    {
        OtlpKey.Require(context, configuration);
        store.Add(request.ResourceLogs.SelectMany(OtlpReader.Read));
        return Task.FromResult(new ExportLogsServiceResponse());
    }
}

/// <summary>Receives metrics.</summary>
internal sealed class OtlpMetricsService(TelemetryStore store, IConfiguration configuration) : MetricsService.MetricsServiceBase
{
    public override Task<ExportMetricsServiceResponse> Export(ExportMetricsServiceRequest request, ServerCallContext context)
    {
        OtlpKey.Require(context, configuration);
        store.Add(request.ResourceMetrics.SelectMany(OtlpReader.Read));
        return Task.FromResult(new ExportMetricsServiceResponse());
    }
}

internal static class TelemetryEndpoints
{
    /// <summary>Lets the host receive telemetry by OTLP over gRPC.</summary>
    public static void MapTelemetry(this IEndpointRouteBuilder app)
    {
        app.MapGrpcService<OtlpTraceService>();
        app.MapGrpcService<OtlpLogsService>();
        app.MapGrpcService<OtlpMetricsService>();
    }
}
