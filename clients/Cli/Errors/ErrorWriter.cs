using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Gallery.Cli.Errors;

/// <summary>Writes a refusal: lines for people, one JSON object for scripts. Always to standard error, never a stack trace.</summary>
internal static class ErrorWriter
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = Output.Json.Encoder };

    /// <summary>Writes it as lines.</summary>
    public static void WriteLines(ErrorReport report, TextWriter to)
    {
        var reason = report.Reason ?? report.Code;
        to.WriteLine(reason is null ? $"gallery: {Printable(report.Message)}" : $"gallery: {Printable(report.Message)} [{reason}]");
        foreach (var line in Details(report))
        {
            to.WriteLine($"  {Printable(line)}");
        }

        if (report.RequestId is { } requestId)
        {
            to.WriteLine($"  request id: {Printable(requestId)}");
        }

        if (report.RetryAfter is { } after)
        {
            to.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  Try again in {Math.Max(after.TotalSeconds, 0.1):0.#} s."));
        }

        if (report.Advice is { } advice)
        {
            to.WriteLine($"  {advice}");
        }
    }

    /// <summary>Writes it as <c>{"error": {…}}</c>.</summary>
    public static void WriteJson(ErrorReport report, TextWriter to)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Indented))
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            json.WriteNumber("exitCode", report.ExitCode);
            WriteOptional(json, "code", report.Code);
            WriteOptional(json, "reason", report.Reason);
            json.WriteString("message", report.Message);
            WritePairs(json, "violations", report.Violations);
            if (report.Metadata.Count > 0)
            {
                json.WriteStartObject("metadata");
                foreach (var (key, value) in report.Metadata)
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            if (report.RetryAfter is { } after)
            {
                json.WriteNumber("retryAfterSeconds", after.TotalSeconds);
            }

            WriteOptional(json, "requestId", report.RequestId);
            WriteOptional(json, "advice", report.Advice);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        to.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    /// <summary>What the message does not say already, or says of several things in one breath.</summary>
    private static IEnumerable<string> Details(ErrorReport report)
    {
        foreach (var (subject, description) in report.Violations)
        {
            if (report.Violations.Count > 1 || !Says(report, description))
            {
                yield return subject.Length == 0 ? description : $"{subject}: {description}";
            }
            else if (!Says(report, subject))
            {
                yield return $"concerns: {subject}";
            }
        }

        foreach (var (key, value) in report.Metadata)
        {
            if (!Says(report, value))
            {
                yield return $"{key}: {value}";
            }
        }
    }

    private static bool Says(ErrorReport report, string text) => report.Message.Contains(text, StringComparison.Ordinal);

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void WritePairs(Utf8JsonWriter json, string name, IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        if (pairs.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (var (subject, description) in pairs)
        {
            json.WriteStartObject();
            json.WriteString("subject", subject);
            json.WriteString("description", description);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>A service's words may quote what someone else sent: control characters must not reach the terminal.</summary>
    private static string Printable(string text) =>
        text.Any(char.IsControl)
            ? string.Concat(
                text.Select(c =>
                    char.IsWhiteSpace(c) ? ' '
                    : char.IsControl(c) ? '?'
                    : c
                )
            )
            : text;
}
