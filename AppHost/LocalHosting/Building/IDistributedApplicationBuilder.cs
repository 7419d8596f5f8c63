using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Gallery.LocalHosting;

/// <summary>Composes an application from resources.</summary>
public interface IDistributedApplicationBuilder
{
    /// <summary>Settings of the host: appsettings.json, environment, command line.</summary>
    ConfigurationManager Configuration { get; }

    /// <summary>Folder of the AppHost's project file.</summary>
    string AppHostDirectory { get; }

    /// <summary>The host's environment, Development or Production.</summary>
    IHostEnvironment Environment { get; }

    /// <summary>The host's own services; health checks are registered here.</summary>
    IServiceCollection Services { get; }

    /// <summary>The resources so far.</summary>
    IReadOnlyList<IResource> Resources { get; }

    /// <summary>Adds a resource; its name must be new.</summary>
    IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource;

    /// <summary>Finishes the composition.</summary>
    DistributedApplication Build();
}
