using System.Reflection;
using System.Security.Cryptography;
using Gallery.LocalHosting.Running;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Gallery.LocalHosting;

/// <inheritdoc cref="IDistributedApplicationBuilder"/>
internal sealed class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly WebApplicationBuilder _web;
    private readonly List<IResource> _resources = [];

    public DistributedApplicationBuilder(string[] args)
    {
        AppHostDirectory =
            Assembly
                .GetEntryAssembly()
                ?.GetCustomAttributes<AssemblyMetadataAttribute>()
                .FirstOrDefault(attribute => attribute.Key == "AppHostProjectPath")
                ?.Value
            ?? Directory.GetCurrentDirectory();
        _web = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppHostDirectory });

        // Exporters prove with it that they were started from here; the same setting gives it in Aspire.
        Configuration["AppHost:OtlpApiKey"] ??= RandomNumberGenerator.GetHexString(32, lowercase: true);
    }

    public ConfigurationManager Configuration => _web.Configuration;

    public string AppHostDirectory { get; }

    public IHostEnvironment Environment => _web.Environment;

    public IServiceCollection Services => _web.Services;

    public IReadOnlyList<IResource> Resources => _resources;

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (_resources.Any(other => string.Equals(other.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new InvalidOperationException($"There are two resources named '{resource.Name}'.");
        }

        _resources.Add(resource);
        return new ResourceBuilder<T>(this, resource);
    }

    public DistributedApplication Build() => new(LocalHost.Build(_web, AppHostDirectory, _resources));
}
