namespace Gallery.LocalHosting.Telemetry;

/// <summary>A piece of work in a trace. Times are nanoseconds since 1970.</summary>
internal sealed record SpanEntry(
    string TraceId,
    string SpanId,
    string ParentId,
    string Service,
    string Scope,
    string Name,
    string Kind,
    ulong Start,
    ulong End,
    bool IsError,
    string StatusMessage,
    IReadOnlyList<KeyValuePair<string, string>> Attributes,
    IReadOnlyList<SpanEvent> Events,
    IReadOnlyList<string> LinkedTraces
)
{
    public TimeSpan Duration => TimeSpan.FromTicks((long)((Math.Max(End, Start) - Start) / 100));
}

/// <summary>Something that happened during a span.</summary>
internal sealed record SpanEvent(ulong Time, string Name, IReadOnlyList<KeyValuePair<string, string>> Attributes);

/// <summary>A log record.</summary>
internal sealed record LogEntry(
    DateTimeOffset Time,
    string Service,
    string Category,
    int Severity,
    string Message,
    string TraceId,
    string SpanId,
    IReadOnlyList<KeyValuePair<string, string>> Attributes
)
{
    /// <summary>OTLP numbers severities so that every four are one level.</summary>
    public string Level =>
        Severity switch
        {
            <= 0 => "",
            <= 4 => "trace",
            <= 8 => "debug",
            <= 12 => "info",
            <= 16 => "warn",
            <= 20 => "error",
            _ => "fatal",
        };
}

/// <summary>The latest point of a metric for one combination of attributes.</summary>
internal sealed record MetricEntry(
    string Service,
    string Meter,
    string Name,
    string Unit,
    string Description,
    string Attributes,
    string Value,
    DateTimeOffset Time
);

/// <summary>All spans of a trace that came so far.</summary>
internal sealed record TraceEntry(string TraceId, IReadOnlyList<SpanEntry> Spans)
{
    public SpanEntry Root => Spans.FirstOrDefault(span => span.ParentId.Length == 0) ?? Spans.MinBy(span => span.Start)!;

    public ulong Start => Spans.Min(span => span.Start);

    public ulong End => Spans.Max(span => Math.Max(span.Start, span.End));

    public TimeSpan Duration => TimeSpan.FromTicks((long)((End - Start) / 100));

    public bool HasError => Spans.Any(span => span.IsError);

    public IEnumerable<string> Services => Spans.Select(span => span.Service).Distinct();
}
