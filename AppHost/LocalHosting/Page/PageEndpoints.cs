using System.Reflection;
using Gallery.LocalHosting.Running;
using Gallery.LocalHosting.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Gallery.LocalHosting.Page;

/// <summary>The page for people, and the little that scripts and tests need.</summary>
internal static class PageEndpoints
{
    public static void MapPage(this IEndpointRouteBuilder app)
    {
        app.MapGet("/", (ResourceBoard board, TimeProvider time) => Page("/", "Resources", ResourcesPage.Overview(board.All, time)));
        app.MapGet(
            "/resources/{name}",
            (string name, ResourceBoard board, ConsoleLogs logs) =>
                board.Find(name) is { IsProcess: true } snapshot
                    ? Page(
                        "/",
                        snapshot.Name,
                        ResourcesPage.Detail(snapshot, logs.Of(snapshot.Name).Last(500), logs.Of(snapshot.Name).Path)
                    )
                    : NotThere()
        );
        app.MapGet(
            "/traces",
            (TelemetryStore store, ResourceBoard board, string? service, string? text) =>
                Page("/traces", "Traces", TracesPage.List(store, Services(board), service, text))
        );
        app.MapGet(
            "/traces/{id}",
            (string id, TelemetryStore store) =>
                store.Trace(id) is { } trace ? Page("/traces", trace.Root.Name, TracesPage.Waterfall(trace, store)) : NotThere()
        );
        app.MapGet(
            "/logs",
            (TelemetryStore store, ResourceBoard board, string? service, string? level, string? text) =>
                Page("/logs", "Logs", LogsPage.List(store, Services(board), service, level, text))
        );
        app.MapGet(
            "/metrics",
            (TelemetryStore store, ResourceBoard board, string? service, string? text) =>
                Page("/metrics", "Metrics", MetricsPage.List(store, Services(board), service, text))
        );
        app.MapGet("/assets/{name}", Asset);

        app.MapGet(
            "/health",
            (ResourceBoard board) =>
                board.All.All(snapshot => snapshot.IsReady)
                    ? Results.Text("Healthy")
                    : Results.Text("Unhealthy", statusCode: StatusCodes.Status503ServiceUnavailable)
        );
        app.MapGet("/api/resources", (RunState state) => Results.Json(state.Current()));
        app.MapPost("/api/resources/{name}/{command}", CommandAsync);
    }

    private static async Task<IResult> CommandAsync(string name, string command, HttpRequest request, Orchestrator orchestrator)
    {
        // A page of another site can send forms, but JSON only after asking first, which is refused.
        if (!request.HasJsonContentType())
        {
            return Results.Text("A command is a POST of JSON, `{}` will do.", statusCode: StatusCodes.Status415UnsupportedMediaType);
        }

        var problem = await orchestrator.ExecuteAsync(name, command).ConfigureAwait(false);
        return problem is null ? Results.NoContent() : Results.Text(problem, statusCode: StatusCodes.Status404NotFound);
    }

    private static IResult Page(string path, string title, Html content) =>
        Results.Content(Layout.Frame(path, title, content).Text, "text/html; charset=utf-8");

    private static IResult NotThere() =>
        Results.Content(
            Layout
                .Frame("", "Not there", new Html("<h1>Not there</h1><p class=\"quiet\">It may have made room for newer things.</p>"))
                .Text,
            "text/html; charset=utf-8",
            statusCode: StatusCodes.Status404NotFound
        );

    private static IResult Asset(string name) =>
        Assembly.GetExecutingAssembly().GetManifestResourceStream(name) is { } asset
            ? Results.Stream(asset, name.EndsWith(".css", StringComparison.Ordinal) ? "text/css" : "text/javascript")
            : Results.NotFound();

    private static IEnumerable<string> Services(ResourceBoard board) =>
        board.All.Where(snapshot => snapshot.Type == "Project").Select(snapshot => snapshot.Name);
}
