namespace Gallery.LocalHosting;

/// <summary>What all resources share.</summary>
/// <param name="name">Unique name of the resource.</param>
public abstract class Resource(string name) : IResource
{
    /// <inheritdoc/>
    public string Name { get; } = ResourceNames.Checked(name);

    /// <inheritdoc/>
    public ResourceAnnotationCollection Annotations { get; } = [];
}

/// <summary>A program that is started as it is.</summary>
/// <param name="name">Unique name of the resource.</param>
/// <param name="command">Name on the PATH, or path of the program.</param>
/// <param name="workingDirectory">Full path of the folder to start it in.</param>
public class ExecutableResource(string name, string command, string workingDirectory)
    : Resource(name),
        IResourceWithEnvironment,
        IResourceWithArgs,
        IResourceWithEndpoints,
        IResourceWithWaitSupport
{
    /// <summary>Name on the PATH, or path of the program.</summary>
    public string Command { get; } = command;

    /// <summary>Full path of the folder to start it in.</summary>
    public string WorkingDirectory { get; } = workingDirectory;
}

/// <summary>A .NET service of this repository.</summary>
/// <param name="name">Unique name of the resource.</param>
public class ProjectResource(string name)
    : Resource(name),
        IResourceWithEnvironment,
        IResourceWithArgs,
        IResourceWithServiceDiscovery,
        IResourceWithWaitSupport;

/// <summary>A value from outside: configuration, or given while composing.</summary>
public class ParameterResource : Resource, IValueProvider, ISecretAware
{
    private readonly Func<string?> _value;

    internal ParameterResource(string name, Func<string?> value, bool secret)
        : base(name)
    {
        _value = value;
        Secret = secret;
    }

    /// <summary>True when the value must never be shown.</summary>
    public bool Secret { get; }

    bool ISecretAware.IsSecret => Secret;

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(_value());
}

/// <summary>A connection string put together from parts.</summary>
/// <param name="name">Unique name of the resource.</param>
/// <param name="connectionStringExpression">The parts.</param>
public sealed class ConnectionStringResource(string name, ReferenceExpression connectionStringExpression)
    : Resource(name),
        IResourceWithConnectionString,
        IResourceWithWaitSupport,
        ISecretAware
{
    /// <inheritdoc/>
    public ReferenceExpression ConnectionStringExpression { get; } = connectionStringExpression;

    bool ISecretAware.IsSecret => ConnectionStringExpression.IsSecret;

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) =>
        ConnectionStringExpression.GetValueAsync(cancellationToken);
}

/// <summary>Something that knows whether its value must be hidden.</summary>
internal interface ISecretAware
{
    bool IsSecret { get; }
}
