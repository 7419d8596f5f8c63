using Microsoft.Extensions.Configuration;

namespace Gallery.LocalHosting;

/// <summary>Adds values and connection strings.</summary>
public static class ParameterExtensions
{
    /// <summary>Adds a value that configuration gives under `Parameters:name`.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Unique name of the resource.</param>
    /// <param name="secret">True when the value must never be shown.</param>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        bool secret = false
    ) => builder.AddResource(new ParameterResource(name, () => builder.Configuration[$"Parameters:{name}"], secret));

    /// <summary>Adds a value that is known while composing.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Unique name of the resource.</param>
    /// <param name="value">The value.</param>
    /// <param name="publishValueAsDefault">Whether a deployment may use it as its default; without meaning locally.</param>
    /// <param name="secret">True when the value must never be shown.</param>
    public static IResourceBuilder<ParameterResource> AddParameter(
        this IDistributedApplicationBuilder builder,
        string name,
        string value,
        bool publishValueAsDefault = false,
        bool secret = false
    )
    {
        if (publishValueAsDefault && secret)
        {
            throw new ArgumentException("A secret can't be published as a default.", nameof(secret));
        }

        return builder.AddResource(new ParameterResource(name, () => value, secret));
    }

    /// <summary>Adds a connection string that configuration gives under `ConnectionStrings:name`.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Unique name of the resource.</param>
    /// <param name="environmentVariableName">Not used locally: consumers always get `ConnectionStrings__name`.</param>
    public static IResourceBuilder<IResourceWithConnectionString> AddConnectionString(
        this IDistributedApplicationBuilder builder,
        string name,
        string? environmentVariableName = null
    ) => builder.AddConnectionString(name, ReferenceExpression.Create($"{new ConfiguredConnection(builder.Configuration, name)}"));

    /// <summary>Adds a connection string put together from parts.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Unique name of the resource.</param>
    /// <param name="connectionStringExpression">The parts.</param>
    public static IResourceBuilder<ConnectionStringResource> AddConnectionString(
        this IDistributedApplicationBuilder builder,
        string name,
        ReferenceExpression connectionStringExpression
    ) => builder.AddResource(new ConnectionStringResource(name, connectionStringExpression));

    /// <summary>A connection string of the user's; it may hold a password.</summary>
    private sealed class ConfiguredConnection(IConfiguration configuration, string name) : IValueProvider, ISecretAware
    {
        public bool IsSecret => true;

        public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) =>
            new(
                configuration.GetConnectionString(name)
                    ?? throw new InvalidOperationException($"The setting ConnectionStrings:{name} is missing.")
            );
    }
}
