using Gallery.ServiceDefaults.Redis;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults;

/// <summary>Gives a service its part of Redis.</summary>
public static class RedisExtensions
{
    /// <summary>
    /// Registers <see cref="RedisStore"/>, a health check, and the check of the number of partitions. Needs the connection string
    /// <c>redis</c>; settings come from the section <c>Redis</c>.
    /// </summary>
    /// <param name="builder">The service.</param>
    /// <param name="prefix">The service's own key prefix, <c>cat:</c> for example.</param>
    public static WebApplicationBuilder AddGalleryRedis(this WebApplicationBuilder builder, string prefix)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services.AddOptions<RedisStoreOptions>().BindConfiguration("Redis").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(new RedisPrefix(prefix));
        services.AddSingleton<RedisMetrics>();
        services.AddSingleton<IConnectionMultiplexer>(provider => Connect(provider, provider.GetRequiredService<IConfiguration>()));
        services.AddSingleton<InstallationCheck>();
        services.AddHostedService(provider => provider.GetRequiredService<InstallationCheck>());
        services.AddSingleton(provider => new RedisStore(
            provider.GetRequiredService<IConnectionMultiplexer>(),
            provider.GetRequiredService<RedisPrefix>(),
            provider.GetRequiredService<InstallationCheck>(),
            provider.GetRequiredService<ServiceIdentity>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<IOptions<RedisStoreOptions>>(),
            provider.GetRequiredService<RedisMetrics>()
        ));
        services.AddHealthChecks().AddCheck<InstallationCheck>("redis");
        return builder;
    }

    private static ConnectionMultiplexer Connect(IServiceProvider services, IConfiguration configuration)
    {
        var text = configuration.GetConnectionString("redis");
        if (string.IsNullOrWhiteSpace(text))
        {
            throw new InvalidOperationException("The connection string 'redis' is missing: set ConnectionStrings__redis.");
        }

        var options = ConfigurationOptions.Parse(text);
        // Redis may come up after the service, and may go away for a while: calls fail meanwhile, the process stays.
        options.AbortOnConnectFail = false;
        // … and they fail at once: a caller that is told to try again is better off than one that waits.
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.ClientName = services.GetRequiredService<ServiceIdentity>().Name;
        // The client's own bookkeeping lies outside of the prefix, which is all that the service's Redis user may touch.
        options.TieBreaker = "";
        options.ConfigurationChannel = "";
        if (!text.Contains("connectTimeout", StringComparison.OrdinalIgnoreCase))
        {
            options.ConnectTimeout = 2000;
        }

        options.ReconnectRetryPolicy = new LinearRetry(500);
        return ConnectionMultiplexer.Connect(options);
    }
}
