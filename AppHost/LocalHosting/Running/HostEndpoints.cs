using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;

namespace Gallery.LocalHosting.Running;

/// <summary>Where the host itself listens, always on the loopback. The settings are those of Aspire's dashboard.</summary>
/// <param name="PagePort">The page for people: `ASPNETCORE_URLS`.</param>
/// <param name="OtlpPort">Receiver of telemetry: `ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL`.</param>
/// <param name="ResourceServicePort">What a real dashboard attaches to: `ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL`.</param>
internal sealed record HostEndpoints(int PagePort, int OtlpPort, int ResourceServicePort)
{
    public string PageUrl => string.Create(CultureInfo.InvariantCulture, $"http://localhost:{PagePort}");

    public string OtlpUrl => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{OtlpPort}");

    public static HostEndpoints From(IConfiguration configuration)
    {
        int?[] asked =
        [
            Port(configuration, "ASPNETCORE_URLS"),
            Port(configuration, "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"),
            Port(configuration, "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"),
        ];
        var free = new Queue<int>(FreePorts(asked.Count(port => port is null)));
        return new HostEndpoints(asked[0] ?? free.Dequeue(), asked[1] ?? free.Dequeue(), asked[2] ?? free.Dequeue());
    }

    /// <summary>Finds ports that nobody listens on. They are all held until the last is found, so no two are equal.</summary>
    public static IReadOnlyList<int> FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        try
        {
            listeners.ForEach(listener => listener.Start());
            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            listeners.ForEach(listener => listener.Dispose());
        }
    }

    private static int? Port(IConfiguration configuration, string key)
    {
        var url = configuration[key]?.Split(';')[0];
        return string.IsNullOrEmpty(url) ? null
            : Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme == "http" && uri.IsLoopback
                ? (uri.Port == 0 ? null : uri.Port)
            : throw new LocalHostingException(
                $"{key} is '{url}'; the local layer listens on loopback addresses in clear text only, like http://127.0.0.1:7360."
            );
    }
}
