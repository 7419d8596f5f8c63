namespace Gallery.LocalHosting.Telemetry;

/// <summary>The latest telemetry, in memory and bounded: what is oldest makes room.</summary>
internal sealed class TelemetryStore
{
    public const int MostSpans = 10_000;
    public const int MostSpansPerTrace = 2_000;
    public const int MostLogs = 5_000;
    public const int MostMetrics = 5_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<SpanEntry>> _traces = new(StringComparer.Ordinal);
    private readonly LinkedList<string> _traceOrder = new();
    private readonly Queue<LogEntry> _logs = new();
    private readonly Dictionary<(string, string, string, string), MetricEntry> _metrics = [];
    private int _spanCount;

    public void Add(IEnumerable<SpanEntry> spans)
    {
        lock (_gate)
        {
            foreach (var span in spans)
            {
                if (!_traces.TryGetValue(span.TraceId, out var trace))
                {
                    _traces.Add(span.TraceId, trace = []);
                    _traceOrder.AddLast(span.TraceId);
                }

                if (trace.Count < MostSpansPerTrace)
                {
                    trace.Add(span);
                    _spanCount++;
                }
            }

            while (_spanCount > MostSpans)
            {
                var oldest = _traceOrder.First!.Value;
                _traceOrder.RemoveFirst();
                _traces.Remove(oldest, out var dropped);
                _spanCount -= dropped!.Count;
            }
        }
    }

    public void Add(IEnumerable<LogEntry> logs)
    {
        lock (_gate)
        {
            foreach (var log in logs)
            {
                _logs.Enqueue(log);
                if (_logs.Count > MostLogs)
                {
                    _logs.Dequeue();
                }
            }
        }
    }

    public void Add(IEnumerable<MetricEntry> metrics)
    {
        lock (_gate)
        {
            foreach (var metric in metrics)
            {
                var key = (metric.Service, metric.Meter, metric.Name, metric.Attributes);
                if (_metrics.Count < MostMetrics || _metrics.ContainsKey(key))
                {
                    _metrics[key] = metric;
                }
            }
        }
    }

    /// <summary>The latest traces, newest first.</summary>
    public IReadOnlyList<TraceEntry> Traces(int count, Predicate<TraceEntry> wanted)
    {
        lock (_gate)
        {
            return [.. Newest().Where(trace => wanted(trace)).Take(count)];
        }

        IEnumerable<TraceEntry> Newest()
        {
            for (var id = _traceOrder.Last; id is not null; id = id.Previous)
            {
                yield return new TraceEntry(id.Value, [.. _traces[id.Value]]);
            }
        }
    }

    public TraceEntry? Trace(string traceId)
    {
        lock (_gate)
        {
            return _traces.TryGetValue(traceId, out var spans) ? new TraceEntry(traceId, [.. spans]) : null;
        }
    }

    /// <summary>The latest log records, newest first.</summary>
    public IReadOnlyList<LogEntry> Logs(int count, Predicate<LogEntry> wanted)
    {
        lock (_gate)
        {
            // Services send in batches, so the order of arrival is not quite that of the clock.
            return [.. _logs.Reverse().Where(log => wanted(log)).Take(count).OrderByDescending(log => log.Time)];
        }
    }

    public IReadOnlyList<MetricEntry> Metrics(Predicate<MetricEntry> wanted)
    {
        lock (_gate)
        {
            return
            [
                .. _metrics
                    .Values.Where(metric => wanted(metric))
                    .OrderBy(metric => metric.Meter, StringComparer.Ordinal)
                    .ThenBy(metric => metric.Name, StringComparer.Ordinal)
                    .ThenBy(metric => metric.Service, StringComparer.Ordinal)
                    .ThenBy(metric => metric.Attributes, StringComparer.Ordinal),
            ];
        }
    }
}
