using Gallery.ServiceDefaults.Authentication;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Events;
using Gallery.ServiceDefaults.Health;
using Gallery.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Gallery.ServiceDefaults;

/// <summary>What every service of the gallery has.</summary>
public static class GalleryDefaults
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Adds telemetry, health checks, authentication by bearer token, gRPC with the gallery's errors, service discovery and the system's
    /// clock.
    /// </summary>
    /// <param name="builder">The service.</param>
    /// <param name="serviceName">Its resource name, <c>catalog</c> for example.</param>
    public static WebApplicationBuilder AddGalleryDefaults(this WebApplicationBuilder builder, string serviceName)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton(new ServiceIdentity(serviceName));
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.AddGalleryTelemetry(serviceName);
        builder.AddGalleryHealth();
        builder.AddGalleryAuthentication();
        builder.Services.AddServiceDiscovery();
        builder.Services.AddGrpc(options => options.Interceptors.Add<ErrorInterceptor>());
        builder.Services.AddGrpcReflection();
        // Streams that callers watch never end by themselves; who watches connects to another instance or tries again.
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        return builder;
    }

    /// <summary>
    /// Adds the middleware, and maps health (<c>/health</c>, <c>/alive</c>, gRPC), gRPC reflection, and the dead letters of a service that
    /// consumes events. Call it before the service's own endpoints are mapped.
    /// </summary>
    /// <param name="app">The service.</param>
    public static WebApplication MapGalleryDefaults(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.UseMiddleware<MalformedRequestMiddleware>();
        app.UseAuthentication();
        app.UseAuthorization();
        app.MapGalleryHealth();
        app.MapGrpcReflectionService().AllowAnonymous();
        if (app.Services.GetService<EventSubscription>() is not null)
        {
            app.MapGrpcService<DeadLetterGrpcService>();
        }

        return app;
    }
}
