using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Gallery.ServiceDefaults.Clients;

/// <summary>For clients of peers that are not found by service discovery, such as Region nodes.</summary>
public static class ServiceTokenExtensions
{
    /// <summary>Registers an HTTP client that puts this service's own token on every request that carries none.</summary>
    /// <param name="builder">The service that calls.</param>
    /// <param name="name">The client's name.</param>
    public static IHttpClientBuilder AddServiceTokenClient(this WebApplicationBuilder builder, string name)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        services
            .AddOptions<ServiceCredentialsOptions>()
            .BindConfiguration("ServiceCredentials")
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.TryAddSingleton<ServiceTokens>();
        services.TryAddTransient<ServiceTokenHandler>();
        return services.AddHttpClient(name).AddHttpMessageHandler<ServiceTokenHandler>();
    }
}
