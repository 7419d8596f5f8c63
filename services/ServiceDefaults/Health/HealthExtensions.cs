using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gallery.ServiceDefaults.Health;

internal static class HealthExtensions
{
    private const string Live = "live";

    public static void AddGalleryHealth(this WebApplicationBuilder builder)
    {
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [Live]);
        builder.Services.AddGrpcHealthChecks();
    }

    /// <summary><c>/health</c>: ready to serve; <c>/alive</c>: the process runs; and the gRPC health service.</summary>
    public static void MapGalleryHealth(this WebApplication app)
    {
        app.MapHealthChecks("/health").AllowAnonymous();
        app.MapHealthChecks("/alive", new HealthCheckOptions { Predicate = check => check.Tags.Contains(Live) }).AllowAnonymous();
        app.MapGrpcHealthChecksService().AllowAnonymous();
    }
}
