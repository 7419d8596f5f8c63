namespace Gallery.LocalHosting;

/// <summary>Tells a resource how to reach others.</summary>
public static class ReferenceExtensions
{
    /// <summary>Gives a connection string to the resource, as `ConnectionStrings__name`.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="source">The connection.</param>
    /// <param name="connectionName">Name to give it under; the connection's own if null.</param>
    /// <param name="optional">Whether the resource can live without it.</param>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder,
        IResourceBuilder<IResourceWithConnectionString> source,
        string? connectionName = null,
        bool optional = false
    )
        where TDestination : IResourceWithEnvironment
    {
        IValueProvider value = optional ? new OptionalValue(source.Resource) : source.Resource;
        return builder
            .With(new RelationshipAnnotation(source.Resource, "Reference"))
            .WithEnvironment(context =>
                context.EnvironmentVariables[$"ConnectionStrings__{connectionName ?? source.Resource.Name}"] = value
            );
    }

    /// <summary>Tells the resource all endpoints of a service, in the form that service discovery reads.</summary>
    /// <param name="builder">The resource.</param>
    /// <param name="source">The service.</param>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder,
        IResourceBuilder<IResourceWithServiceDiscovery> source
    )
        where TDestination : IResourceWithEnvironment =>
        builder
            .With(new RelationshipAnnotation(source.Resource, "Reference"))
            .WithEnvironment(context =>
            {
                var service = source.Resource;
                foreach (var endpoint in service.Annotations.OfType<EndpointAnnotation>())
                {
                    var reference = new EndpointReference(service, endpoint.Name);
                    context.EnvironmentVariables[$"services__{service.Name}__{endpoint.Name}__0"] = reference;
                    context.EnvironmentVariables[$"{Shell(service.Name)}_{Shell(endpoint.Name)}"] = reference;
                }
            });

    private static string Shell(string name) => name.ToUpperInvariant().Replace('-', '_');

    private sealed class OptionalValue(IValueProvider value) : IValueProvider, ISecretAware
    {
        public bool IsSecret => value is ISecretAware { IsSecret: true };

        public async ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                return await value.GetValueAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (InvalidOperationException)
            {
                return null;
            }
        }
    }
}
