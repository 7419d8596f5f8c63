using System.Globalization;
using Gallery.LocalHosting.Running;

namespace Gallery.LocalHosting.Page;

/// <summary>All resources, and each one by itself.</summary>
internal static class ResourcesPage
{
    public static Html Overview(IReadOnlyList<ResourceSnapshot> all, TimeProvider time)
    {
        var processes = all.Where(snapshot => snapshot.IsProcess).ToList();
        var memory = processes.Sum(Memory) + NativeProcess.ResidentBytes(Environment.ProcessId);
        return Html.Of(
            $"""
            <h1>Resources</h1>
            <table class="resources">
              <thead><tr><th>Name</th><th>State</th><th>Where</th><th class="number">Pid</th><th class="number">Memory</th><th class="number">Up for</th><th></th></tr></thead>
              <tbody>{Html.Join(processes, snapshot => Row(snapshot, time))}</tbody>
            </table>
            <p class="quiet">Memory of all processes together, with this host's: {Mebibytes(memory)}</p>
            {Values(all)}
            """
        );
    }

    public static Html Detail(ResourceSnapshot snapshot, IReadOnlyList<ConsoleLine> lines, string logFile) =>
        Html.Of(
            $"""
            <h1>{snapshot.Name} {State(snapshot)} {Buttons(snapshot)}</h1>
            {Problem(snapshot)}
            <div class="columns">
              <section><h2>Facts</h2>{Layout.Attributes(Facts(snapshot))}</section>
              <section><h2>Health</h2>{Html.Join(snapshot.Health, Health)}</section>
            </div>
            <details id="environment"><summary>Environment ({snapshot.Environment.Length} variables)</summary>
              {Layout.Attributes(
                snapshot.Environment.OrderBy(one => one.Name, StringComparer.Ordinal).Select(one =>
                    KeyValuePair.Create(one.Name, one.Secret ? "(secret)" : one.Value)
                )
            )}
            </details>
            <h2>Console <span class="quiet">{logFile}</span></h2>
            <pre class="console" data-follow>{Html.Join(lines, Line)}</pre>
            """
        );

    private static Html Row(ResourceSnapshot snapshot, TimeProvider time) =>
        Html.Of(
            $"""
            <tr>
              <td><a href="/resources/{snapshot.Name}">{snapshot.Name}</a></td>
              <td>{State(snapshot)}{Problem(snapshot)}{Waiting(snapshot)}</td>
              <td>{Html.Join(snapshot.Urls, Where)}</td>
              <td class="number">{snapshot.Pid}</td>
              <td class="number">{(snapshot.Pid is null ? "" : Mebibytes(Memory(snapshot)))}</td>
              <td class="number">{(
                snapshot.Pid is null || snapshot.StartedAt is not { } started ? "" : Age(time.GetUtcNow() - started)
            )}</td>
              <td class="buttons">{Buttons(snapshot)}</td>
            </tr>
            """
        );

    private static Html State(ResourceSnapshot snapshot)
    {
        var tone = snapshot.Summary switch
        {
            "Healthy" or ResourceStates.Running or ResourceStates.Finished => "good",
            "Unhealthy" => "fair",
            ResourceStates.Exited or ResourceStates.FailedToStart or ResourceStates.ValueMissing => "bad",
            _ => "calm",
        };
        return Html.Of($"<span class=\"state {tone}\">{snapshot.Summary}</span>");
    }

    private static Html Problem(ResourceSnapshot snapshot) =>
        Html.When(snapshot.Problem is not null, () => Html.Of($"<div class=\"problem\">{snapshot.Problem}</div>"));

    private static Html Waiting(ResourceSnapshot snapshot) =>
        Html.When(!snapshot.WaitingFor.IsEmpty, () => Html.Of($"<div class=\"quiet\">for {string.Join(", ", snapshot.WaitingFor)}</div>"));

    private static Html Where(ResourceUrl url)
    {
        var address =
            url.Url.StartsWith("http", StringComparison.Ordinal) && url.EndpointName != "grpc"
                ? Html.Of($"<a href=\"{url.Url}\">{url.DisplayText ?? url.Url}</a>")
                : Html.Of($"<code>{url.Url}</code>");
        return Html.Of($"<div><span class=\"quiet\">{url.EndpointName}</span> {address}</div>");
    }

    private static Html Buttons(ResourceSnapshot snapshot)
    {
        var runs = snapshot.State is ResourceStates.Running or ResourceStates.Starting or ResourceStates.Waiting;
        return runs
            ? Html.Of($"{Button(snapshot.Name, "restart")}{Button(snapshot.Name, "stop")}")
            : Html.When(snapshot.State != ResourceStates.Stopping, () => Button(snapshot.Name, "start"));
    }

    private static Html Button(string name, string command) =>
        Html.Of($"<button data-command=\"/api/resources/{name}/{command}\">{command}</button>");

    private static Html Health(HealthReport report) =>
        Html.Of(
            $"""
            <div class="check"><span class="state {(
                report.Healthy switch
                {
                    true => "good",
                    false => "bad",
                    null => "calm",
                }
            )}">
            {(
                report.Healthy switch
                {
                    true => "healthy",
                    false => "unhealthy",
                    null => "pending",
                }
            )}</span> {report.Key} <span class="quiet">{report.Description}</span></div>
            """
        );

    private static IEnumerable<KeyValuePair<string, string>> Facts(ResourceSnapshot snapshot)
    {
        yield return new("Instance", snapshot.InstanceName);
        yield return new("Program", snapshot.Source);
        if (!snapshot.Arguments.IsEmpty)
        {
            yield return new("Arguments", string.Join(' ', snapshot.Arguments));
        }

        foreach (var url in snapshot.Urls)
        {
            yield return new(url.EndpointName, url.Url);
        }

        if (snapshot.Pid is { } pid)
        {
            yield return new("Pid", pid.ToString(CultureInfo.InvariantCulture));
        }

        if (snapshot.ExitCode is { } code)
        {
            yield return new("Exit code", code.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static Html Values(IReadOnlyList<ResourceSnapshot> all)
    {
        var values = all.Where(snapshot => !snapshot.IsProcess).ToList();
        return Html.When(
            values.Count > 0,
            () =>
                Html.Of(
                    $"""
                    <details id="values"><summary>Parameters and connections ({values.Count})</summary>
                      <table><tbody>{Html.Join(
                        values,
                        one =>
                            Html.Of(
                                $"<tr><td>{one.Name}</td><td>{State(one)}{Problem(one)}</td><td><code>{(one.Source.Length == 0 ? "(secret)" : one.Source)}</code></td></tr>"
                            )
                    )}</tbody></table>
                    </details>
                    """
                )
        );
    }

    private static Html Line(ConsoleLine line) =>
        Html.Of(
            $"<span class=\"{(line.IsError ? "error" : "out")}\"><time>{Layout.Clock(line.Time)}</time> {ConsoleLog.Plain(line.Text)}\n</span>"
        );

    private static long Memory(ResourceSnapshot snapshot) => snapshot.Pid is { } pid ? NativeProcess.ResidentBytes(pid) : 0;

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0} MiB");

    private static string Age(TimeSpan age) =>
        age.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalHours} h {age.Minutes} min")
            : string.Create(CultureInfo.InvariantCulture, $"{age.Minutes} min {age.Seconds} s");
}
