using System.Globalization;

namespace Gallery.LocalHosting;

/// <summary>Says when a resource counts as ready, and who waits for it.</summary>
public static class HealthExtensions
{
    /// <summary>The resource starts only when the other one is running and healthy.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="dependency">The other one.</param>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport =>
        builder.With(new WaitAnnotation(dependency.Resource)).With(new RelationshipAnnotation(dependency.Resource, "WaitFor"));

    /// <summary>The resource is healthy when a registered health check says so.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="key">Name under which the check is registered with the host's services.</param>
    public static IResourceBuilder<T> WithHealthCheck<T>(this IResourceBuilder<T> builder, string key)
        where T : IResource => builder.With(new HealthCheckAnnotation(key));

    /// <summary>The resource is healthy when a GET answers with the expected status.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="path">Path to ask for; `/` if null.</param>
    /// <param name="statusCode">Expected status; 200 if null.</param>
    /// <param name="endpointName">Endpoint to ask; the first HTTP endpoint if null.</param>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(
        this IResourceBuilder<T> builder,
        string? path = null,
        int? statusCode = null,
        string? endpointName = null
    )
        where T : IResourceWithEndpoints
    {
        endpointName ??=
            builder
                .Resource.Annotations.OfType<EndpointAnnotation>()
                .FirstOrDefault(endpoint => endpoint.UriScheme is "http" or "https")
                ?.Name
            ?? throw new InvalidOperationException($"`{builder.Resource.Name}` has no HTTP endpoint to check.");
        var status = statusCode ?? 200;
        var key = string.Create(CultureInfo.InvariantCulture, $"{builder.Resource.Name}_{endpointName}_{path ?? "/"}_{status}_check");
        return builder.With(new HttpHealthCheckAnnotation(key, builder.GetEndpoint(endpointName), path ?? "/", status));
    }
}
