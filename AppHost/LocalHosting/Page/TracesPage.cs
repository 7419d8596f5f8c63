using System.Globalization;
using Gallery.LocalHosting.Telemetry;

namespace Gallery.LocalHosting.Page;

/// <summary>The latest traces, and each one as a waterfall across services.</summary>
internal static class TracesPage
{
    private const int Shown = 100;

    /// <summary>What repeats itself, like a heartbeat, must not drive out what a person did. Filtering by text shows all of a kind.</summary>
    private const int ShownOfAKind = 4;

    public static Html List(TelemetryStore store, IEnumerable<string> services, string? service, string? text)
    {
        var kinds = new Dictionary<string, int>();
        var traces = store.Traces(
            Shown,
            trace =>
                (string.IsNullOrEmpty(service) || trace.Services.Contains(service))
                && (string.IsNullOrEmpty(text) || trace.Spans.Any(span => span.Name.Contains(text, StringComparison.OrdinalIgnoreCase)))
                && ((kinds[trace.Root.Name] = kinds.GetValueOrDefault(trace.Root.Name) + 1) <= ShownOfAKind || !string.IsNullOrEmpty(text))
        );
        return Html.Of(
            $"""
            <h1>Traces</h1>
            {Layout.Filter(services, service, text, Html.None)}
            <table>
              <thead><tr><th>Time</th><th>Trace</th><th>Services</th><th class="number">Spans</th><th class="number">Duration</th></tr></thead>
              <tbody>{Html.Join(traces, Row)}</tbody>
            </table>
            {Html.When(string.IsNullOrEmpty(text), () => More(kinds))}
            {Html.When(
                traces.Count == 0,
                () => new Html("<p class=\"quiet\">No trace yet. Call a service, and it is here within seconds.</p>")
            )}
            """
        );
    }

    private static Html More(Dictionary<string, int> kinds) =>
        Html.Join(
            kinds.Where(kind => kind.Value > ShownOfAKind),
            kind =>
                Html.Of(
                    $"<p class=\"quiet\">{kind.Value - ShownOfAKind} more <a href=\"/traces?text={Uri.EscapeDataString(kind.Key)}\">{kind.Key}</a></p>"
                )
        );

    public static Html Waterfall(TraceEntry trace, TelemetryStore store)
    {
        var logs = store.Logs(200, log => log.TraceId == trace.TraceId).Reverse().ToList();
        return Html.Of(
            $"""
            <h1>{trace.Root.Name} <span class="quiet">{Layout.Duration(trace.Duration)} · {trace.Spans.Count} spans · {Layout.Clock(
                trace.Start
            )} · {trace.TraceId}</span></h1>
            <div class="waterfall">{Html.Join(Ordered(trace), one => Bar(one.Span, one.Depth, trace))}</div>
            {Html.When(logs.Count > 0, () => Html.Of($"<h2>Logs of this trace</h2>{LogsPage.Table(logs)}"))}
            """
        );
    }

    private static Html Row(TraceEntry trace) =>
        Html.Of(
            $"""
            <tr>
              <td><time>{Layout.Clock(trace.Start)}</time></td>
              <td><a href="/traces/{trace.TraceId}">{trace.Root.Name}</a> {Html.When(
                trace.HasError,
                () => new Html("<span class=\"state bad\">error</span>")
            )}</td>
              <td>{Html.Join(trace.Services, Layout.Service)}</td>
              <td class="number">{trace.Spans.Count}</td>
              <td class="number">{Layout.Duration(trace.Duration)}</td>
            </tr>
            """
        );

    private static Html Bar(SpanEntry span, int depth, TraceEntry trace)
    {
        var whole = Math.Max(1.0, trace.End - trace.Start);
        var left = Percent((span.Start - trace.Start) / whole);
        var width = Percent((Math.Max(span.End, span.Start) - span.Start) / whole);
        return Html.Of(
            $"""
            <details id="{span.SpanId}" class="{(span.IsError ? "span failed" : "span")}">
              <summary style="--hue:{Layout.Hue(span.Service)}">
                <span class="what" style="padding-left:{Math.Min(depth, 20) * 14}px">{Layout.Service(span.Service)} {span.Name}</span>
                <span class="track"><span class="bar" style="left:{left}%;width:max(2px,{width}%)"></span></span>
                <span class="number">{Layout.Duration(span.Duration)}</span>
              </summary>
              {Html.When(span.StatusMessage.Length > 0, () => Html.Of($"<div class=\"problem\">{span.StatusMessage}</div>"))}
              {Layout.Attributes(Facts(span))}
              {Html.Join(span.LinkedTraces, id => Html.Of($"<p>follows from <a href=\"/traces/{id}\">trace {id}</a></p>"))}
              {Html.Join(span.Events, one => Html.Of($"<h3>{Layout.Clock(one.Time)} {one.Name}</h3>{Layout.Attributes(one.Attributes)}"))}
            </details>
            """
        );
    }

    private static IEnumerable<KeyValuePair<string, string>> Facts(SpanEntry span) =>
        span.Attributes.Prepend(new("kind", span.Kind)).Prepend(new("source", span.Scope)).Append(new("span id", span.SpanId));

    /// <summary>Children below their parent, in the order of their beginning. A span whose parent never came stands at the top.</summary>
    private static List<(SpanEntry Span, int Depth)> Ordered(TraceEntry trace)
    {
        var known = trace.Spans.Select(span => span.SpanId).ToHashSet();
        var children = trace.Spans.OrderBy(span => span.Start).ToLookup(span => known.Contains(span.ParentId) ? span.ParentId : "");
        var ordered = new List<(SpanEntry, int)>();
        var open = new Stack<(SpanEntry Span, int Depth)>(children[""].Reverse().Select(span => (span, 0)));
        while (open.TryPop(out var next) && ordered.Count <= trace.Spans.Count)
        {
            ordered.Add(next);
            foreach (var child in children[next.Span.SpanId].Reverse())
            {
                open.Push((child, next.Depth + 1));
            }
        }

        return ordered;
    }

    private static string Percent(double share) => (share * 100).ToString("0.###", CultureInfo.InvariantCulture);
}
