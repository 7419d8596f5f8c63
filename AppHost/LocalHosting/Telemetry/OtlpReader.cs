using System.Globalization;
using Gallery.LocalHosting.Protos.Otlp.Common;
using Gallery.LocalHosting.Protos.Otlp.Logs;
using Gallery.LocalHosting.Protos.Otlp.Metrics;
using Gallery.LocalHosting.Protos.Otlp.Trace;
using Google.Protobuf;
using OtlpResource = Gallery.LocalHosting.Protos.Otlp.Resource.Resource;

namespace Gallery.LocalHosting.Telemetry;

/// <summary>Turns what came over the wire into entries that are easy to show.</summary>
internal static class OtlpReader
{
    private const int LongestText = 4_000;

    public static IEnumerable<SpanEntry> Read(ResourceSpans batch)
    {
        var service = ServiceOf(batch.Resource);
        return batch.ScopeSpans.SelectMany(scope =>
            scope.Spans.Select(span => new SpanEntry(
                Hex(span.TraceId),
                Hex(span.SpanId),
                Hex(span.ParentSpanId),
                service,
                scope.Scope?.Name ?? "",
                span.Name,
                span.Kind is Span.Types.SpanKind.Unspecified ? "" : span.Kind.ToString(),
                span.StartTimeUnixNano,
                span.EndTimeUnixNano,
                span.Status?.Code == Status.Types.StatusCode.Error,
                span.Status?.Message ?? "",
                Pairs(span.Attributes),
                [.. span.Events.Select(one => new SpanEvent(one.TimeUnixNano, one.Name, Pairs(one.Attributes)))],
                [.. span.Links.Select(link => Hex(link.TraceId)).Distinct()]
            ))
        );
    }

    public static IEnumerable<LogEntry> Read(ResourceLogs batch)
    {
        var service = ServiceOf(batch.Resource);
        return batch.ScopeLogs.SelectMany(scope =>
            scope.LogRecords.Select(log =>
            {
                var attributes = Pairs(log.Attributes);
                return new LogEntry(
                    Time(log.TimeUnixNano == 0 ? log.ObservedTimeUnixNano : log.TimeUnixNano),
                    service,
                    scope.Scope?.Name ?? "",
                    log.SeverityNumber,
                    Filled(Text(log.Body), attributes),
                    Hex(log.TraceId),
                    Hex(log.SpanId),
                    attributes
                );
            })
        );
    }

    public static IEnumerable<MetricEntry> Read(ResourceMetrics batch)
    {
        var service = ServiceOf(batch.Resource);
        return batch.ScopeMetrics.SelectMany(scope =>
            scope.Metrics.SelectMany(metric =>
                Points(metric)
                    .Select(point => new MetricEntry(
                        service,
                        scope.Scope?.Name ?? "",
                        metric.Name,
                        metric.Unit,
                        metric.Description,
                        point.Attributes,
                        point.Value,
                        Time(point.Time)
                    ))
            )
        );
    }

    private static IEnumerable<(string Attributes, string Value, ulong Time)> Points(Metric metric) =>
        metric.DataCase switch
        {
            Metric.DataOneofCase.Gauge => metric.Gauge.DataPoints.Select(Number),
            Metric.DataOneofCase.Sum => metric.Sum.DataPoints.Select(Number),
            Metric.DataOneofCase.Histogram => metric.Histogram.DataPoints.Select(Distribution),
            _ => [],
        };

    private static (string Attributes, string Value, ulong Time) Number(NumberDataPoint point) =>
        (
            Joined(point.Attributes),
            point.ValueCase == NumberDataPoint.ValueOneofCase.AsInt
                ? point.AsInt.ToString("N0", CultureInfo.InvariantCulture)
                : Short(point.AsDouble),
            point.TimeUnixNano
        );

    private static (string Attributes, string Value, ulong Time) Distribution(HistogramDataPoint point)
    {
        var value = string.Create(CultureInfo.InvariantCulture, $"{point.Count:N0} times");
        if (point.HasSum && point.Count > 0)
        {
            value += $", mean {Short(point.Sum / point.Count)}";
        }

        if (point.Count > 0 && point.ExplicitBounds.Count > 0)
        {
            value += $", p95 {Quantile(point, 0.95)}";
        }

        return (Joined(point.Attributes), point.HasMax ? $"{value}, max {Short(point.Max)}" : value, point.TimeUnixNano);
    }

    /// <summary>The bound of the bucket that the quantile falls into: all that a histogram can tell.</summary>
    private static string Quantile(HistogramDataPoint point, double quantile)
    {
        var seen = 0.0;
        for (var bucket = 0; bucket < point.ExplicitBounds.Count; bucket++)
        {
            seen += point.BucketCounts[bucket];
            if (seen >= quantile * point.Count)
            {
                return $"≤ {Short(point.ExplicitBounds[bucket])}";
            }
        }

        return $"> {Short(point.ExplicitBounds[^1])}";
    }

    private static string Short(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static string ServiceOf(OtlpResource? resource) =>
        resource?.Attributes.FirstOrDefault(attribute => attribute.Key == "service.name") is { } name ? Text(name.Value) : "unknown";

    private static KeyValuePair<string, string>[] Pairs(IEnumerable<KeyValue> attributes) =>
        [.. attributes.Select(attribute => new KeyValuePair<string, string>(attribute.Key, Text(attribute.Value)))];

    private static string Joined(IEnumerable<KeyValue> attributes) =>
        string.Join(
            ", ",
            attributes
                .OrderBy(attribute => attribute.Key, StringComparer.Ordinal)
                .Select(attribute => $"{attribute.Key}={Text(attribute.Value)}")
        );

    private static string Text(AnyValue? value)
    {
        var text = value?.ValueCase switch
        {
            AnyValue.ValueOneofCase.StringValue => value.StringValue,
            AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
            AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(CultureInfo.InvariantCulture),
            AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString(CultureInfo.InvariantCulture),
            AnyValue.ValueOneofCase.ArrayValue => string.Join(", ", value.ArrayValue.Values.Select(Text)),
            AnyValue.ValueOneofCase.KvlistValue => Joined(value.KvlistValue.Values),
            AnyValue.ValueOneofCase.BytesValue => Hex(value.BytesValue),
            _ => "",
        };
        return text.Length <= LongestText ? text : text[..LongestText];
    }

    /// <summary>A .NET logger sends the template as body when formatted messages are off; its holes are filled from the attributes.</summary>
    private static string Filled(string body, KeyValuePair<string, string>[] attributes)
    {
        if (body.Contains('{', StringComparison.Ordinal))
        {
            foreach (var (key, value) in attributes)
            {
                body = body.Replace($"{{{key}}}", value, StringComparison.Ordinal);
            }
        }

        return body;
    }

    private static DateTimeOffset Time(ulong nanoseconds) => DateTimeOffset.UnixEpoch.AddTicks((long)(nanoseconds / 100));

    private static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);
}
