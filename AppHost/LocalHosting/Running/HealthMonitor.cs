using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gallery.LocalHosting.Running;

/// <summary>Asks a running resource how it is: often until it is healthy for the first time, then now and again.</summary>
internal sealed class HealthMonitor(HealthCheckService checks, ResourceBoard board, LocalHostOptions options, TimeProvider time)
    : IDisposable
{
    private readonly HttpClient _http = new(
        new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(2),
        }
    )
    {
        Timeout = TimeSpan.FromSeconds(5),
    };

    /// <summary>The checks of a resource before the first of them has run.</summary>
    public static ImmutableArray<HealthReport> Pending(IResource resource) =>
        [.. Keys(resource).Select(key => new HealthReport(key, null, "Not checked yet", null))];

    /// <summary>Keeps the health of a resource up to date until it is cancelled.</summary>
    public async Task WatchAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (Keys(resource).Count == 0)
        {
            return;
        }

        var wasHealthy = false;
        while (!cancellationToken.IsCancellationRequested)
        {
            var reports = await Task.WhenAll(
                    resource
                        .Annotations.Select(annotation =>
                            annotation switch
                            {
                                HttpHealthCheckAnnotation http => ProbeAsync(http, cancellationToken),
                                HealthCheckAnnotation registered => RunAsync(registered.Key, cancellationToken),
                                _ => null,
                            }
                        )
                        .OfType<Task<HealthReport>>()
                )
                .ConfigureAwait(false);
            if (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            var snapshot = board.Update(
                resource.Name,
                current => Same(current.Health, reports) ? current : current with { Health = [.. reports] }
            );
            wasHealthy |= snapshot.IsHealthy;
            var pause =
                !wasHealthy ? options.StartingHealthInterval
                : snapshot.IsHealthy ? options.HealthInterval
                : TimeSpan.FromSeconds(Math.Min(1, options.HealthInterval.TotalSeconds));
            await Task.Delay(pause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _http.Dispose();

    private static List<string> Keys(IResource resource) =>
        [
            .. resource
                .Annotations.Select(annotation =>
                    annotation switch
                    {
                        HttpHealthCheckAnnotation http => http.Key,
                        HealthCheckAnnotation registered => registered.Key,
                        _ => null,
                    }
                )
                .OfType<string>(),
        ];

    private static bool Same(ImmutableArray<HealthReport> before, HealthReport[] after) =>
        before
            .Select(report => (report.Key, report.Healthy, report.Description))
            .SequenceEqual(after.Select(report => (report.Key, report.Healthy, report.Description)));

    private async Task<HealthReport> ProbeAsync(HttpHealthCheckAnnotation check, CancellationToken cancellationToken)
    {
        try
        {
            // By address: a name would be tried on IPv6 first, each time in vain.
            var url = string.Create(CultureInfo.InvariantCulture, $"{check.Endpoint.Scheme}://127.0.0.1:{check.Endpoint.Port}{check.Path}");
            using var response = await _http.GetAsync(new Uri(url), cancellationToken).ConfigureAwait(false);
            var status = (int)response.StatusCode;
            return status == check.StatusCode
                ? Report(check.Key, true, "")
                : Report(
                    check.Key,
                    false,
                    $"{check.Path} answers {status}: {Shortened(await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false))}"
                );
        }
        catch (HttpRequestException failure)
        {
            return Report(check.Key, false, failure.Message);
        }
        catch (OperationCanceledException)
        {
            return Report(check.Key, false, $"{check.Path} does not answer in time");
        }
    }

    private async Task<HealthReport> RunAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            var result = await checks.CheckHealthAsync(registration => registration.Name == key, cancellationToken).ConfigureAwait(false);
            if (!result.Entries.TryGetValue(key, out var entry))
            {
                return Report(key, false, $"No health check is registered under '{key}'");
            }

            return Report(key, entry.Status == HealthStatus.Healthy, entry.Description ?? entry.Exception?.Message ?? "");
        }
        catch (OperationCanceledException)
        {
            return Report(key, false, "The check was cancelled");
        }
    }

    private static string Shortened(string text) => text.Length <= 200 ? text : text[..200];

    private HealthReport Report(string key, bool healthy, string description) => new(key, healthy, description, time.GetUtcNow());
}
