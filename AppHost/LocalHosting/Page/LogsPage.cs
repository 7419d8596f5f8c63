using Gallery.LocalHosting.Telemetry;

namespace Gallery.LocalHosting.Page;

/// <summary>The latest structured log records.</summary>
internal static class LogsPage
{
    private const int Shown = 300;

    private static readonly (string Name, int Severity)[] Levels = [("debug", 5), ("info", 9), ("warn", 13), ("error", 17)];

    public static Html List(TelemetryStore store, IEnumerable<string> services, string? service, string? level, string? text)
    {
        var least = Levels.FirstOrDefault(one => one.Name == level).Severity;
        var logs = store.Logs(
            Shown,
            log =>
                log.Severity >= least
                && (string.IsNullOrEmpty(service) || log.Service == service)
                && (
                    string.IsNullOrEmpty(text)
                    || log.Message.Contains(text, StringComparison.OrdinalIgnoreCase)
                    || log.Category.Contains(text, StringComparison.OrdinalIgnoreCase)
                )
        );
        var levels = Html.Of(
            $"<select name=\"level\"><option value=\"\">all levels</option>{Html.Join(Levels, one => Layout.Option(one.Name, one.Name == level))}</select>"
        );
        return Html.Of(
            $"""
            <h1>Logs</h1>
            {Layout.Filter(services, service, text, levels)}
            {Table(logs)}
            {Html.When(logs.Count == 0, () => new Html("<p class=\"quiet\">Nothing fits.</p>"))}
            """
        );
    }

    public static Html Table(IEnumerable<LogEntry> logs) =>
        Html.Of(
            $"""
            <table class="logs"><tbody>{Html.Join(logs, Row)}</tbody></table>
            """
        );

    private static Html Row(LogEntry log) =>
        Html.Of(
            $"""
            <tr class="{log.Level}">
              <td><time>{Layout.Clock(log.Time)}</time></td>
              <td>{Layout.Service(log.Service)}</td>
              <td>{log.Level}</td>
              <td><details id="{log.SpanId}{log.Time.UtcTicks}"><summary>{log.Message}</summary>{Layout.Attributes(
                log.Attributes.Prepend(new("category", log.Category))
            )}</details></td>
              <td>{Html.When(log.TraceId.Length > 0, () => Html.Of($"<a href=\"/traces/{log.TraceId}\">trace</a>"))}</td>
            </tr>
            """
        );
}
