using System.Globalization;

namespace Gallery.LocalHosting.Page;

/// <summary>What all pages share.</summary>
internal static class Layout
{
    private static readonly (string Path, string Title)[] Pages =
    [
        ("/", "Resources"),
        ("/traces", "Traces"),
        ("/logs", "Logs"),
        ("/metrics", "Metrics"),
    ];

    public static Html Frame(string path, string title, Html content) =>
        Html.Of(
            $"""
            <!doctype html>
            <html lang="en">
            <head>
              <meta charset="utf-8">
              <meta name="viewport" content="width=device-width, initial-scale=1">
              <title>{title} · Gallery</title>
              <link rel="stylesheet" href="/assets/page.css">
              <script src="/assets/page.js" defer></script>
            </head>
            <body>
              <header><span class="brand">Gallery</span><nav>{Html.Join(
                Pages,
                page => Link(page, path)
            )}</nav><span class="mode">local layer</span></header>
              <main>{content}</main>
            </body>
            </html>
            """
        );

    /// <summary>Form that narrows a list down: service, text, and whatever else the page offers.</summary>
    public static Html Filter(IEnumerable<string> services, string? service, string? text, Html more) =>
        Html.Of(
            $"""
            <form class="filter" method="get">
              <select name="service"><option value="">all services</option>{Html.Join(
                services,
                name => Option(name, name == service)
            )}</select>
              {more}<input name="text" type="search" placeholder="contains…" value="{text ?? ""}"><button>Filter</button>
            </form>
            """
        );

    public static Html Option(string value, bool selected) =>
        selected ? Html.Of($"<option selected>{value}</option>") : Html.Of($"<option>{value}</option>");

    public static Html Attributes(IEnumerable<KeyValuePair<string, string>> attributes) =>
        Html.Of($"<dl>{Html.Join(attributes, pair => Html.Of($"<dt>{pair.Key}</dt><dd>{pair.Value}</dd>"))}</dl>");

    public static string Duration(TimeSpan duration) =>
        duration.TotalMilliseconds switch
        {
            < 1 => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMicroseconds:0} µs"),
            < 1000 => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0.0} ms"),
            < 60_000 => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.00} s"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalMinutes} min {duration.Seconds} s"),
        };

    public static string Clock(DateTimeOffset time) => time.ToLocalTime().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);

    public static string Clock(ulong nanoseconds) => Clock(DateTimeOffset.UnixEpoch.AddTicks((long)(nanoseconds / 100)));

    /// <summary>A colour that is the same for a service on every page.</summary>
    public static int Hue(string service) => service.Aggregate(17, (hash, letter) => ((hash * 31) + letter) & 0xFFFF) % 360;

    public static Html Service(string service) => Html.Of($"<span class=\"service\" style=\"--hue:{Hue(service)}\">{service}</span>");

    private static Html Link((string Path, string Title) page, string current)
    {
        var here = page.Path == current || (page.Path != "/" && current.StartsWith(page.Path, StringComparison.Ordinal));
        return Html.Of($"<a href=\"{page.Path}\" {(here ? new Html("aria-current=\"page\"") : Html.None)}>{page.Title}</a>");
    }
}
