using Gallery.LocalHosting.Telemetry;

namespace Gallery.LocalHosting.Page;

/// <summary>The latest value of every metric.</summary>
internal static class MetricsPage
{
    public static Html List(TelemetryStore store, IEnumerable<string> services, string? service, string? text)
    {
        var metrics = store.Metrics(metric =>
            (string.IsNullOrEmpty(service) || metric.Service == service)
            && (
                string.IsNullOrEmpty(text)
                || metric.Name.Contains(text, StringComparison.OrdinalIgnoreCase)
                || metric.Meter.Contains(text, StringComparison.OrdinalIgnoreCase)
            )
        );
        return Html.Of(
            $"""
            <h1>Metrics</h1>
            {Layout.Filter(services, service, text, Html.None)}
            {Html.Join(metrics.GroupBy(metric => metric.Meter), Meter)}
            {Html.When(
                metrics.Count == 0,
                () => new Html("<p class=\"quiet\">No metric yet: services send theirs every minute, in Development every second.</p>")
            )}
            """
        );
    }

    private static Html Meter(IGrouping<string, MetricEntry> meter) =>
        Html.Of(
            $"""
            <details id="{meter.Key}" {(meter.Key.StartsWith("Gallery", StringComparison.Ordinal) ? new Html("open") : Html.None)}>
              <summary>{meter.Key} <span class="quiet">{meter.Count()} series</span></summary>
              <table><tbody>{Html.Join(meter, Row)}</tbody></table>
            </details>
            """
        );

    private static Html Row(MetricEntry metric) =>
        Html.Of(
            $"""
            <tr>
              <td>{Layout.Service(metric.Service)}</td>
              <td title="{metric.Description}">{metric.Name}</td>
              <td class="quiet">{metric.Attributes}</td>
              <td class="number">{metric.Value} <span class="quiet">{metric.Unit}</span></td>
              <td><time>{Layout.Clock(metric.Time)}</time></td>
            </tr>
            """
        );
}
