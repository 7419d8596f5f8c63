namespace Gallery.LocalHosting;

/// <summary>Names a registered health check that decides whether the resource is healthy.</summary>
/// <param name="key">Name under which the check is registered.</param>
public sealed class HealthCheckAnnotation(string key) : IResourceAnnotation
{
    /// <summary>Name under which the check is registered.</summary>
    public string Key { get; } = key;
}

/// <summary>Collects the environment variables of a resource that is about to start.</summary>
/// <param name="resource">The resource.</param>
/// <param name="environmentVariables">Variables so far. A value is a text or an <see cref="IValueProvider"/>.</param>
public sealed class EnvironmentCallbackContext(IResource resource, Dictionary<string, object> environmentVariables)
{
    /// <summary>The resource.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>Variables so far. A value is a text or an <see cref="IValueProvider"/>.</summary>
    public Dictionary<string, object> EnvironmentVariables { get; } = environmentVariables;
}

/// <summary>Adds environment variables just before the start.</summary>
internal sealed record EnvironmentCallbackAnnotation(Action<EnvironmentCallbackContext> Callback) : IResourceAnnotation;

/// <summary>Adds arguments: texts or value providers.</summary>
internal sealed record ArgumentsAnnotation(IReadOnlyList<object> Arguments) : IResourceAnnotation;

/// <summary>The start waits until the other resource is ready.</summary>
internal sealed record WaitAnnotation(IResource Resource) : IResourceAnnotation;

/// <summary>The resource knows of the other; shown to people only.</summary>
internal sealed record RelationshipAnnotation(IResource Resource, string Type) : IResourceAnnotation;

/// <summary>The resource is healthy when a GET on one of its endpoints answers with a status.</summary>
internal sealed record HttpHealthCheckAnnotation(string Key, EndpointReference Endpoint, string Path, int StatusCode) : IResourceAnnotation;

/// <summary>Changes how the URL of an endpoint is shown.</summary>
internal sealed record UrlCallbackAnnotation(string EndpointName, Action<ResourceUrlAnnotation> Callback) : IResourceAnnotation;

/// <summary>The endpoint's port is also told in an environment variable of the resource's own.</summary>
internal sealed record PortVariableAnnotation(EndpointReference Endpoint, string Variable) : IResourceAnnotation;

/// <summary>How many instances are asked for.</summary>
internal sealed record ReplicaAnnotation(int Replicas) : IResourceAnnotation;

/// <summary>The resource is told where to send its telemetry.</summary>
internal sealed record OtlpExporterAnnotation : IResourceAnnotation;

/// <summary>The launch profile that a project is started with.</summary>
internal sealed record LaunchProfileAnnotation(string Name) : IResourceAnnotation;
