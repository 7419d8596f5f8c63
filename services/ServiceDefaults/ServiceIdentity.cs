namespace Gallery.ServiceDefaults;

/// <summary>Which service this process is.</summary>
/// <param name="Name">The resource name of the service, <c>catalog</c> for example: the name of its consumer groups and the
/// source of its events.</param>
public sealed record ServiceIdentity(string Name);
