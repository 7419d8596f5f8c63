using Gallery.ServiceDefaults.Events;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Gallery.ServiceDefaults;

/// <summary>Lets a service tell and handle events. Both need <see cref="RedisExtensions.AddGalleryRedis"/>.</summary>
public static class EventExtensions
{
    /// <summary>Trims this service's event streams behind the services that consume them.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="consumers">The names of the consuming services. Nothing is trimmed before each has begun to consume.</param>
    public static WebApplicationBuilder AddEventPublisher(this WebApplicationBuilder builder, params string[] consumers)
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddShared(builder);
        builder.Services.AddSingleton(new EventPublication(consumers));
        builder.Services.AddSingleton<EventTrimmer>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<EventTrimmer>());
        return builder;
    }

    /// <summary>
    /// Handles the events of a producer as the consumer group named after this service; the handler is made anew for each event, in a scope
    /// of its own. Dead letters are served by <c>gallery.events.v1.DeadLetterService</c>.
    /// </summary>
    /// <typeparam name="THandler">The handler.</typeparam>
    /// <param name="builder">The service.</param>
    /// <param name="producerPrefix">The producer's key prefix, <c>cat:</c> for example.</param>
    public static WebApplicationBuilder AddEventConsumer<THandler>(this WebApplicationBuilder builder, string producerPrefix)
        where THandler : class, IEventDeliveryHandler
    {
        ArgumentNullException.ThrowIfNull(builder);
        AddShared(builder);
        var subscription = new EventSubscription(producerPrefix, typeof(THandler));
        builder.Services.AddSingleton(subscription);
        builder.Services.TryAddScoped<THandler>();
        builder.Services.TryAddSingleton<EventDispatcher>();
        builder.Services.TryAddSingleton<DeadLetterStore>();
        builder.Services.AddSingleton<IHostedService>(provider => ActivatorUtilities.CreateInstance<EventConsumer>(provider, subscription));
        return builder;
    }

    private static void AddShared(WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<EventOptions>().BindConfiguration("Events").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.TryAddSingleton<EventMetrics>();
    }
}
