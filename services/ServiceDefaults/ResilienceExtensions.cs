using Gallery.ServiceDefaults.Resilience;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Polly;

namespace Gallery.ServiceDefaults;

/// <summary>Declares how a service deals with a dependency that fails: one pipeline a dependency, by name.</summary>
public static class ResilienceExtensions
{
    /// <summary>
    /// Registers a pipeline: retries around a circuit breaker around a time limit. Take it from
    /// <c>ResiliencePipelineProvider&lt;string&gt;</c>;
    /// the section <c>Resilience:{name}</c> overrides what is set here.
    /// </summary>
    /// <param name="builder">The service.</param>
    /// <param name="name">The pipeline's name.</param>
    /// <param name="configure">Its settings.</param>
    public static WebApplicationBuilder AddGalleryPipeline(
        this WebApplicationBuilder builder,
        string name,
        Action<GalleryPipelineOptions>? configure = null
    )
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton<CircuitStates>();
        builder
            .Services.AddOptions<GalleryPipelineOptions>(name)
            .Configure(options => configure?.Invoke(options))
            .BindConfiguration($"Resilience:{name}")
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddResiliencePipeline(
            name,
            (pipeline, context) =>
            {
                // Networks go by the real clock, whatever clock the service's rules go by: a test that stops that one must not stop
                // retries.
                pipeline.TimeProvider = TimeProvider.System;
                pipeline.AddGalleryStrategies(
                    name,
                    context.ServiceProvider.GetRequiredService<IOptionsMonitor<GalleryPipelineOptions>>().Get(name),
                    context.ServiceProvider.GetRequiredService<CircuitStates>()
                );
            }
        );
        return builder;
    }
}
