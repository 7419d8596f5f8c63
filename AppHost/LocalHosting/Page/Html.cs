using System.Globalization;
using System.Net;

namespace Gallery.LocalHosting.Page;

/// <summary>Finished HTML. Whatever is put into it is encoded, unless it is HTML itself.</summary>
internal readonly record struct Html(string Text)
{
    public static Html None => new("");

    /// <summary>Makes HTML from a template; its values are encoded.</summary>
    public static Html Of(FormattableString template) => new(template.ToString(Encoder.Instance));

    public static Html Join<T>(IEnumerable<T> items, Func<T, Html> each) => new(string.Concat(items.Select(item => each(item).Text)));

    public static Html When(bool condition, Func<Html> then) => condition ? then() : None;

    public override string ToString() => Text;

    private sealed class Encoder : IFormatProvider, ICustomFormatter
    {
        public static Encoder Instance { get; } = new();

        public object? GetFormat(Type? formatType) => formatType == typeof(ICustomFormatter) ? this : null;

        public string Format(string? format, object? arg, IFormatProvider? formatProvider) =>
            arg switch
            {
                Html html => html.Text,
                IFormattable value => WebUtility.HtmlEncode(value.ToString(format, CultureInfo.InvariantCulture)),
                _ => WebUtility.HtmlEncode(arg?.ToString() ?? ""),
            };
    }
}
