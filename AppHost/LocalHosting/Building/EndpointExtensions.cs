using System.Net.Sockets;

namespace Gallery.LocalHosting;

/// <summary>Says where a resource listens.</summary>
public static class EndpointExtensions
{
    /// <summary>Adds an endpoint.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="port">Port that others use; free choice if null.</param>
    /// <param name="targetPort">Port that the process listens on, when it can't be told.</param>
    /// <param name="scheme">URL scheme; `tcp` if null.</param>
    /// <param name="name">Name; the scheme if null.</param>
    /// <param name="env">Variable that tells the process its port.</param>
    /// <param name="isProxied">Whether a proxy may stand in front; there is none locally.</param>
    /// <param name="isExternal">Whether it is meant for callers from outside.</param>
    /// <param name="protocol">Transport protocol; TCP if null.</param>
    public static IResourceBuilder<T> WithEndpoint<T>(
        this IResourceBuilder<T> builder,
        int? port = null,
        int? targetPort = null,
        string? scheme = null,
        string? name = null,
        string? env = null,
        bool isProxied = true,
        bool? isExternal = null,
        ProtocolType? protocol = null
    )
        where T : IResourceWithEndpoints
    {
        var endpoint = new EndpointAnnotation(
            protocol ?? ProtocolType.Tcp,
            scheme,
            name: name,
            port: port,
            targetPort: targetPort,
            isExternal: isExternal,
            isProxied: isProxied
        );
        if (Find(builder.Resource, endpoint.Name) is not null)
        {
            throw new InvalidOperationException($"`{builder.Resource.Name}` has two endpoints named `{endpoint.Name}`.");
        }

        builder.With(endpoint);
        return env is null ? builder : builder.With(new PortVariableAnnotation(builder.GetEndpoint(endpoint.Name), env));
    }

    /// <summary>Changes an endpoint, or adds it.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="endpointName">Its name.</param>
    /// <param name="callback">Makes the change.</param>
    /// <param name="createIfNotExists">Whether a missing one is added.</param>
    public static IResourceBuilder<T> WithEndpoint<T>(
        this IResourceBuilder<T> builder,
        string endpointName,
        Action<EndpointAnnotation> callback,
        bool createIfNotExists = true
    )
        where T : IResourceWithEndpoints
    {
        var endpoint = Find(builder.Resource, endpointName);
        if (endpoint is null && createIfNotExists)
        {
            endpoint = new EndpointAnnotation(ProtocolType.Tcp, name: endpointName);
            builder.With(endpoint);
        }

        if (endpoint is not null)
        {
            callback(endpoint);
        }

        return builder;
    }

    /// <summary>Adds an endpoint that speaks HTTP in clear text.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="port">Port that others use; free choice if null.</param>
    /// <param name="targetPort">Port that the process listens on, when it can't be told.</param>
    /// <param name="name">Name; `http` if null.</param>
    /// <param name="env">Variable that tells the process its port.</param>
    /// <param name="isProxied">Whether a proxy may stand in front; there is none locally.</param>
    public static IResourceBuilder<T> WithHttpEndpoint<T>(
        this IResourceBuilder<T> builder,
        int? port = null,
        int? targetPort = null,
        string? name = null,
        string? env = null,
        bool isProxied = true
    )
        where T : IResourceWithEndpoints => builder.WithEndpoint(port, targetPort, "http", name, env, isProxied);

    /// <summary>Marks all HTTP endpoints as meant for callers from outside. Locally everything stays on the loopback.</summary>
    /// <param name="builder">The resource.</param>
    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints
    {
        foreach (
            var endpoint in builder
                .Resource.Annotations.OfType<EndpointAnnotation>()
                .Where(endpoint => endpoint.UriScheme is "http" or "https")
        )
        {
            endpoint.IsExternal = true;
        }

        return builder;
    }

    /// <summary>Changes how the URL of an endpoint is shown.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="endpointName">The endpoint.</param>
    /// <param name="callback">Makes the change.</param>
    public static IResourceBuilder<T> WithUrlForEndpoint<T>(
        this IResourceBuilder<T> builder,
        string endpointName,
        Action<ResourceUrlAnnotation> callback
    )
        where T : IResource => builder.With(new UrlCallbackAnnotation(endpointName, callback));

    /// <summary>Names an endpoint of the resource.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="name">Name of the endpoint.</param>
    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name)
        where T : IResourceWithEndpoints => new(builder.Resource, name);

    private static EndpointAnnotation? Find(IResource resource, string name) =>
        resource
            .Annotations.OfType<EndpointAnnotation>()
            .SingleOrDefault(endpoint => string.Equals(endpoint.Name, name, StringComparison.OrdinalIgnoreCase));
}
