using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;

namespace Gallery.Cli.Output;

/// <summary>
/// Protobuf JSON, indented. Members without a value are written too (as zero, empty or the enum's zero), so that a script may rely on every
/// member; only absent messages are left out.
/// </summary>
internal static class Json
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = Encoder };

    /// <summary>Leaves everything readable: the text goes to a terminal or a file, not into HTML.</summary>
    public static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>One message.</summary>
    public static string Of(IMessage message) => Indent(Formatter.Format(message));

    /// <summary>An array of messages, also when there is one or none.</summary>
    public static string Of(IEnumerable<IMessage> messages) =>
        Indent($"[{string.Join(',', messages.Select(message => Formatter.Format(message)))}]");

    private static string Indent(string json)
    {
        using var document = JsonDocument.Parse(json);
        return Write(document.RootElement.WriteTo);
    }

    /// <summary>Whatever is written by <paramref name="write"/>, indented.</summary>
    public static string Write(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Indented))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
