using System.Globalization;
using System.Net.Sockets;

namespace Gallery.LocalHosting;

/// <summary>A port that a resource listens on.</summary>
public sealed class EndpointAnnotation : IResourceAnnotation
{
    private string? _transport;

    /// <summary>Creates an endpoint.</summary>
    /// <param name="protocol">Transport protocol; TCP is all that is used here.</param>
    /// <param name="uriScheme">Scheme of its URL; the protocol's name if null.</param>
    /// <param name="transport">`http`, `http2` or `tcp`; derived from the scheme if null.</param>
    /// <param name="name">Name; the scheme if null.</param>
    /// <param name="port">Port that others use; free choice if null.</param>
    /// <param name="targetPort">Port that the process listens on, when it can't be told.</param>
    /// <param name="isExternal">Whether it is meant for callers from outside.</param>
    /// <param name="isProxied">Whether a proxy may stand in front; there is none locally.</param>
    public EndpointAnnotation(
        ProtocolType protocol,
        string? uriScheme = null,
        string? transport = null,
        string? name = null,
        int? port = null,
        int? targetPort = null,
        bool? isExternal = null,
        bool isProxied = true
    )
    {
        Protocol = protocol;
        UriScheme = uriScheme ?? "tcp";
        _transport = transport;
        Name = name ?? UriScheme;
        Port = port;
        TargetPort = targetPort;
        IsExternal = isExternal ?? false;
        IsProxied = isProxied;
    }

    /// <summary>Name of the endpoint, unique in its resource.</summary>
    public string Name { get; set; }

    /// <summary>Transport protocol.</summary>
    public ProtocolType Protocol { get; set; }

    /// <summary>Scheme of the URL.</summary>
    public string UriScheme { get; set; }

    /// <summary>What is spoken on it: `http`, `http2` or `tcp`. It describes; it does not configure the process.</summary>
    public string Transport
    {
        get => _transport ?? (UriScheme is "http" or "https" ? "http" : "tcp");
        set => _transport = value;
    }

    /// <summary>Port that others use; free choice if null.</summary>
    public int? Port { get; set; }

    /// <summary>Port that the process listens on, when it can't be told.</summary>
    public int? TargetPort { get; set; }

    /// <summary>Whether it is meant for callers from outside.</summary>
    public bool IsExternal { get; set; }

    /// <summary>Whether a proxy may stand in front; there is none locally.</summary>
    public bool IsProxied { get; set; }

    /// <summary>Host that a Kestrel configuration names for this endpoint.</summary>
    internal string? KestrelHost { get; set; }

    /// <summary>Port that was settled before anything was started.</summary>
    internal int? AllocatedPort { get; set; }
}

/// <summary>Names an endpoint of a resource, before its port is known.</summary>
/// <param name="owner">The resource that listens.</param>
/// <param name="endpointName">Name of the endpoint.</param>
public sealed class EndpointReference(IResourceWithEndpoints owner, string endpointName) : IValueProvider
{
    /// <summary>The resource that listens.</summary>
    public IResourceWithEndpoints Resource { get; } = owner;

    /// <summary>Name of the endpoint.</summary>
    public string EndpointName { get; } = endpointName;

    /// <summary>True as soon as the port is settled.</summary>
    public bool IsAllocated => Annotation.AllocatedPort is not null;

    /// <summary>Host to call it by.</summary>
    public string Host { get; } = "localhost";

    /// <summary>Its port.</summary>
    public int Port =>
        Annotation.AllocatedPort
        ?? throw new InvalidOperationException(
            $"The endpoint `{EndpointName}` of `{Resource.Name}` has no port before the application starts."
        );

    /// <summary>Its URL scheme.</summary>
    public string Scheme => Annotation.UriScheme;

    /// <summary>Its URL.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"{Scheme}://{Host}:{Port}");

    internal EndpointAnnotation Annotation =>
        Resource
            .Annotations.OfType<EndpointAnnotation>()
            .SingleOrDefault(endpoint => string.Equals(endpoint.Name, EndpointName, StringComparison.OrdinalIgnoreCase))
        ?? throw new InvalidOperationException($"`{Resource.Name}` has no endpoint `{EndpointName}`.");

    /// <summary>Names one part of the endpoint's address.</summary>
    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(Url);
}

/// <summary>One part of an endpoint's address.</summary>
/// <param name="endpointReference">The endpoint.</param>
/// <param name="property">The part.</param>
public sealed class EndpointReferenceExpression(EndpointReference endpointReference, EndpointProperty property) : IValueProvider
{
    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) =>
        new(
            property switch
            {
                EndpointProperty.Url => endpointReference.Url,
                EndpointProperty.Host => endpointReference.Host,
                EndpointProperty.IPV4Host => "127.0.0.1",
                EndpointProperty.Port or EndpointProperty.TargetPort => endpointReference.Port.ToString(CultureInfo.InvariantCulture),
                EndpointProperty.Scheme => endpointReference.Scheme,
                EndpointProperty.HostAndPort => string.Create(
                    CultureInfo.InvariantCulture,
                    $"{endpointReference.Host}:{endpointReference.Port}"
                ),
                _ => throw new InvalidOperationException($"An endpoint has no property {property}."),
            }
        );
}

/// <summary>The parts of an endpoint's address.</summary>
public enum EndpointProperty
{
    /// <summary>The whole URL.</summary>
    Url,

    /// <summary>Host name.</summary>
    Host,

    /// <summary>IPv4 address.</summary>
    IPV4Host,

    /// <summary>Port.</summary>
    Port,

    /// <summary>URL scheme.</summary>
    Scheme,

    /// <summary>Port that the process itself listens on; locally the same as <see cref="Port"/>.</summary>
    TargetPort,

    /// <summary>Host and port with a colon between.</summary>
    HostAndPort,
}

/// <summary>How a URL of a resource is shown.</summary>
public sealed class ResourceUrlAnnotation : IResourceAnnotation
{
    /// <summary>The URL.</summary>
    public required string Url { get; set; }

    /// <summary>Text to show in its place.</summary>
    public string? DisplayText { get; set; }

    /// <summary>The endpoint behind it.</summary>
    public EndpointReference? Endpoint { get; init; }
}
