using Gallery.ServiceDefaults.Clients;
using Grpc.Core;
using Grpc.Net.ClientFactory;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Polly.Registry;

namespace Gallery.ServiceDefaults;

/// <summary>Lets a service call another one.</summary>
public static class ClientExtensions
{
    private static readonly TimeSpan DefaultDeadline = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The name of the resilience pipeline of the calls to a service: settings in the section <c>Resilience:client-{service}</c>.
    /// </summary>
    /// <param name="service">The service's name.</param>
    public static string PipelineOf(string service) => $"client-{service}";

    /// <summary>
    /// Registers a typed gRPC client. It finds the service by the configuration <c>services:{service}:grpc:0</c>, sends this service's own
    /// token, takes over the deadline and the cancellation of the call being handled, gives unary calls 10 seconds at the most, repeats
    /// those
    /// that may be repeated when the service is unavailable, and stops asking for a while when it stays away.
    /// </summary>
    /// <typeparam name="TClient">The generated client.</typeparam>
    /// <param name="builder">The service that calls.</param>
    /// <param name="service">The name of the service that is called.</param>
    public static IHttpClientBuilder AddGalleryClient<TClient>(this WebApplicationBuilder builder, string service)
        where TClient : class
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
        services.AddHttpClient(ServiceTokens.HttpClientName, client => client.Timeout = DefaultDeadline);
        AddPipelineOnce(builder, PipelineOf(service));
        return services
            .AddGrpcClient<TClient>(options => options.Address = new Uri($"http://_grpc.{service}"))
            .AddInterceptor(
                InterceptorScope.Channel,
                provider => new DependencyInterceptor(
                    service,
                    DefaultDeadline,
                    provider.GetRequiredService<ResiliencePipelineProvider<string>>().GetPipeline(PipelineOf(service)),
                    provider.GetRequiredService<ServiceTokens>()
                )
            )
            .EnableCallContextPropagation(options => options.SuppressContextNotFoundErrors = true)
            .ConfigurePrimaryHttpMessageHandler(() =>
                new SocketsHttpHandler
                {
                    EnableMultipleHttp2Connections = true,
                    ConnectTimeout = TimeSpan.FromSeconds(3),
                    KeepAlivePingDelay = TimeSpan.FromSeconds(30),
                    KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
                    PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                }
            )
            .AddHttpMessageHandler<ServiceTokenHandler>()
            .AddServiceDiscovery();
    }

    private static void AddPipelineOnce(WebApplicationBuilder builder, string name)
    {
        if (builder.Services.Any(service => service.ImplementationInstance is PipelineMarker marker && marker.Name == name))
        {
            return;
        }

        builder.Services.AddSingleton(new PipelineMarker(name));
        builder.AddGalleryPipeline(
            name,
            options =>
            {
                options.AttemptTimeout = DefaultDeadline;
                options.BaseDelay = TimeSpan.FromMilliseconds(100);
                options.MaxDelay = TimeSpan.FromSeconds(1);
                options.BreakDuration = TimeSpan.FromSeconds(2);
                // The deadline is the call's own: when it has passed there is nothing left to repeat.
                options.ShouldHandle = error => error is RpcException { StatusCode: StatusCode.Unavailable };
            }
        );
    }

    private sealed record PipelineMarker(string Name);
}
