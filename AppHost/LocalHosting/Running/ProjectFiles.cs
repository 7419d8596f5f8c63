using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Gallery.LocalHosting.Running;

/// <summary>What the files beside a project tell about how it runs.</summary>
internal static class ProjectFiles
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Reads `Kestrel:Endpoints` from the project's appsettings.json.</summary>
    public static IReadOnlyList<EndpointAnnotation> KestrelEndpoints(string projectPath)
    {
        var endpoints = new List<EndpointAnnotation>();
        if (Read(Path.Combine(Path.GetDirectoryName(projectPath)!, "appsettings.json")) is not { } settings)
        {
            return endpoints;
        }

        using (settings)
        {
            if (settings.RootElement.TryGetProperty("Kestrel", out var kestrel) && kestrel.TryGetProperty("Endpoints", out var named))
            {
                foreach (var entry in named.EnumerateObject())
                {
                    if (entry.Value.TryGetProperty("Url", out var url) && url.GetString() is { Length: > 0 } address)
                    {
                        endpoints.Add(KestrelEndpoint(entry.Name, BindingAddress.Parse(address), entry.Value));
                    }
                }
            }
        }

        return endpoints;
    }

    /// <summary>Finds the newest build of the project, in the configuration that this layer itself was built in if there is one.</summary>
    /// <exception cref="LocalHostingException">The project has not been built.</exception>
    public static string Assembly(string projectPath)
    {
        var output = Path.Combine(Path.GetDirectoryName(projectPath)!, "bin");
        var configuration = typeof(ProjectFiles).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug";
        var built = Newest(Path.Combine(output, configuration)) ?? Newest(output);
        return built ?? throw new LocalHostingException($"{projectPath} has not been built: there is no program below {output}.");
    }

    public static JsonDocument? Read(string path)
    {
        try
        {
            return File.Exists(path) ? JsonDocument.Parse(File.ReadAllText(path), Lenient) : null;
        }
        catch (JsonException malformed)
        {
            throw new LocalHostingException($"{path} is no valid JSON: {malformed.Message}");
        }
    }

    private static EndpointAnnotation KestrelEndpoint(string name, BindingAddress address, JsonElement settings)
    {
        var http2 =
            settings.TryGetProperty("Protocols", out var protocols)
            && string.Equals(protocols.GetString(), "Http2", StringComparison.OrdinalIgnoreCase);
        return new EndpointAnnotation(
            ProtocolType.Tcp,
            address.Scheme,
            http2 ? "http2" : null,
            name,
            address.Port == 0 ? null : address.Port
        )
        {
            // Nothing that is started here may be reached from another machine.
            KestrelHost =
                address.Host is "localhost" or "[::1]" || address.Host.StartsWith("127.", StringComparison.Ordinal)
                    ? address.Host
                    : "127.0.0.1",
        };
    }

    private static string? Newest(string folder)
    {
        const string marker = ".runtimeconfig.json";
        return !Directory.Exists(folder)
            ? null
            : Directory
                .EnumerateFiles(folder, "*" + marker, SearchOption.AllDirectories)
                .OrderByDescending(File.GetLastWriteTimeUtc)
                .Select(file => file[..^marker.Length] + ".dll")
                .FirstOrDefault(File.Exists);
    }
}
