using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Gallery.LocalHosting.Running;

/// <summary>Puts together the environment and the arguments of a resource that is about to start, by Aspire's conventions.</summary>
internal sealed class EnvironmentComposer(HostEndpoints endpoints, IConfiguration configuration, IHostEnvironment environment)
{
    /// <summary>Variables of the host that are meant for the host alone.</summary>
    private static readonly string[] HostOnly =
    [
        "ASPNETCORE_URLS",
        "ASPNETCORE_ENVIRONMENT",
        "DOTNET_ENVIRONMENT",
        "DOTNET_LAUNCH_PROFILE",
        "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL",
        "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL",
        "ASPIRE_ALLOW_UNSECURED_TRANSPORT",
        "DataPath",
        "PortBase",
    ];

    /// <summary>The variables that are set, in the order in which they were said; a later one replaces an earlier one.</summary>
    public async Task<IReadOnlyList<EnvironmentEntry>> VariablesAsync(
        IResource resource,
        string instanceId,
        CancellationToken cancellationToken
    )
    {
        var variables = new Dictionary<string, object>(StringComparer.Ordinal);
        if (resource is ProjectResource)
        {
            AddDotNetDefaults(variables);
        }

        if (resource is ProjectResource || resource.Annotations.OfType<OtlpExporterAnnotation>().Any())
        {
            AddTelemetry(variables, resource.Name, instanceId);
        }

        if (resource is ProjectResource)
        {
            AddListening(variables, resource);
        }

        foreach (var port in resource.Annotations.OfType<PortVariableAnnotation>())
        {
            variables[port.Variable] = port.Endpoint.Port.ToString(CultureInfo.InvariantCulture);
        }

        var context = new EnvironmentCallbackContext(resource, variables);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            annotation.Callback(context);
        }

        var entries = new List<EnvironmentEntry>();
        foreach (var (name, value) in variables)
        {
            var (text, secret) = await ResolveAsync(value, cancellationToken).ConfigureAwait(false);
            if (text is not null)
            {
                entries.Add(new EnvironmentEntry(name, text, secret || name == "OTEL_EXPORTER_OTLP_HEADERS"));
            }
        }

        return entries;
    }

    /// <summary>The arguments of the command line.</summary>
    /// <exception cref="LocalHostingException">One of them is a secret.</exception>
    public static async Task<IReadOnlyList<string>> ArgumentsAsync(IResource resource, CancellationToken cancellationToken)
    {
        var arguments = new List<string>();
        foreach (var argument in resource.Annotations.OfType<ArgumentsAnnotation>().SelectMany(annotation => annotation.Arguments))
        {
            var (text, secret) = await ResolveAsync(argument, cancellationToken).ConfigureAwait(false);
            arguments.Add(
                !secret
                    ? text ?? ""
                    : throw new LocalHostingException(
                        $"An argument of `{resource.Name}` is a secret. Everyone on the machine can read command lines: use a file or an environment variable."
                    )
            );
        }

        return arguments;
    }

    /// <summary>What a child gets in all: the host's own variables, without those meant for the host alone, and the composed ones.</summary>
    public static IReadOnlyDictionary<string, string?> ForChild(IReadOnlyList<EnvironmentEntry> entries)
    {
        var all = HostOnly.ToDictionary(name => name, _ => (string?)null);
        foreach (var name in Environment.GetEnvironmentVariables().Keys.Cast<string>().Where(IsHostSetting))
        {
            all[name] = null;
        }

        foreach (var entry in entries)
        {
            all[entry.Name] = entry.Value;
        }

        return all;
    }

    private static bool IsHostSetting(string name) =>
        name.StartsWith("LocalHosting__", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("Parameters__", StringComparison.OrdinalIgnoreCase);

    private static void AddDotNetDefaults(Dictionary<string, object> variables)
    {
        variables["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory";
        variables["OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION"] = "true";
        variables["OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION"] = "true";
        variables["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
        variables["DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION"] = "true";
    }

    private void AddTelemetry(Dictionary<string, object> variables, string serviceName, string instanceId)
    {
        variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoints.OtlpUrl;
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={configuration["AppHost:OtlpApiKey"]}";
        variables["OTEL_SERVICE_NAME"] = serviceName;
        variables["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={instanceId}";
        if (environment.IsDevelopment())
        {
            // Someone is looking: what happens is shown within a second.
            variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
            variables["OTEL_TRACES_SAMPLER"] = "always_on";
            variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
            variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true";
        }
    }

    private static void AddListening(Dictionary<string, object> variables, IResource resource)
    {
        if (resource.Annotations.OfType<LaunchProfileAnnotation>().FirstOrDefault() is { } profile)
        {
            variables["DOTNET_LAUNCH_PROFILE"] = profile.Name;
        }

        var listening = resource
            .Annotations.OfType<EndpointAnnotation>()
            .Where(endpoint => endpoint.UriScheme is "http" or "https")
            .ToList();
        if (listening.Exists(endpoint => endpoint.KestrelHost is not null))
        {
            // Kestrel ignores ASPNETCORE_URLS as soon as it has endpoints of its own, so every endpoint is told this way.
            foreach (var endpoint in listening)
            {
                variables[$"Kestrel__Endpoints__{endpoint.Name}__Url"] = Url(endpoint, endpoint.KestrelHost ?? "localhost");
            }
        }
        else if (listening.Count > 0)
        {
            variables["ASPNETCORE_URLS"] = string.Join(';', listening.Select(endpoint => Url(endpoint, "localhost")));
        }
    }

    private static string Url(EndpointAnnotation endpoint, string host) =>
        string.Create(CultureInfo.InvariantCulture, $"{endpoint.UriScheme}://{host}:{endpoint.AllocatedPort}");

    private static async Task<(string? Text, bool Secret)> ResolveAsync(object value, CancellationToken cancellationToken) =>
        value switch
        {
            string text => (text, false),
            ParameterResource parameter => (
                await parameter.GetValueAsync(cancellationToken).ConfigureAwait(false)
                    ?? throw new LocalHostingException(
                        $"The parameter `{parameter.Name}` has no value; give it as the setting Parameters:{parameter.Name}."
                    ),
                parameter.Secret
            ),
            IValueProvider provider => (
                await provider.GetValueAsync(cancellationToken).ConfigureAwait(false),
                provider is ISecretAware { IsSecret: true }
            ),
            _ => (Convert.ToString(value, CultureInfo.InvariantCulture), false),
        };
}
