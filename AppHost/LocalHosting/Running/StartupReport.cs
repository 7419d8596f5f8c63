using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Hosting;

namespace Gallery.LocalHosting.Running;

/// <summary>Tells the person at the terminal, once, what runs where; or what went wrong.</summary>
internal sealed class StartupReport(
    ResourceBoard board,
    RunState state,
    ConsoleLogs logs,
    HostEndpoints endpoints,
    LocalHostOptions options,
    IHostApplicationLifetime lifetime,
    TimeProvider time
) : BackgroundService
{
    private const int ShownLogLines = 20;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        if (options.StopOnFailedStart)
        {
            timeout.CancelAfter(options.StartTimeout);
        }

        try
        {
            await WatchAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stoppingToken.IsCancellationRequested)
        {
            var late = board.All.Where(snapshot => !IsFine(snapshot)).ToList();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Not healthy within {options.StartTimeout.TotalSeconds:0} s:"));
            late.ForEach(Tell);
            GiveUp();
        }
        catch (OperationCanceledException)
        {
            // The host ends before everything was healthy.
        }
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var subscription = board.Watch();
        var told = new HashSet<string>();
        do
        {
            var all = board.All;
            foreach (var failed in all.Where(snapshot => snapshot.IsDown && !IsFine(snapshot) && told.Add(snapshot.Name)))
            {
                Tell(failed);
                if (options.StopOnFailedStart)
                {
                    GiveUp();
                    return;
                }
            }

            if (all.Count > 0 && all.All(IsFine))
            {
                var table = Table(all);
                Console.WriteLine(table);
                state.MarkReady(table + "\n");
                return;
            }

            await subscription.Changes.ReadAsync(cancellationToken).ConfigureAwait(false);
        } while (true);
    }

    private static bool IsFine(ResourceSnapshot snapshot) =>
        snapshot.IsReady || snapshot is { State: ResourceStates.Finished, ExitCode: 0 };

    private void Tell(ResourceSnapshot snapshot)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{snapshot.Name}: {snapshot.Summary}. {snapshot.Problem}");
        foreach (var report in snapshot.Health.Where(report => report.Healthy == false))
        {
            text.Append(CultureInfo.InvariantCulture, $" {report.Description}");
        }

        if (!snapshot.WaitingFor.IsEmpty)
        {
            text.Append(CultureInfo.InvariantCulture, $" It waits for {string.Join(", ", snapshot.WaitingFor)}.");
        }

        if (snapshot.IsProcess && snapshot.State != ResourceStates.FailedToStart)
        {
            foreach (var line in logs.Of(snapshot.Name).Last(ShownLogLines))
            {
                text.AppendLine().Append("    ").Append(ConsoleLog.Plain(line.Text));
            }
        }

        Console.WriteLine(text);
    }

    private void GiveUp()
    {
        Environment.ExitCode = 1;
        lifetime.StopApplication();
    }

    private string Table(IReadOnlyList<ResourceSnapshot> all)
    {
        var rows = all.Where(snapshot => snapshot.IsProcess)
            .Select(snapshot => (snapshot.Name, snapshot.Summary, Where: string.Join("   ", snapshot.Urls.Select(Where))))
            .Append((Name: "page", Summary: "Running", Where: $"{endpoints.PageUrl}   resources, logs, traces, metrics"))
            .Prepend((Name: "RESOURCE", Summary: "STATE", Where: "WHERE"))
            .ToList();
        var first = rows.Max(row => row.Name.Length);
        var second = rows.Max(row => row.Summary.Length);
        var text = new StringBuilder().AppendLine();
        foreach (var (name, summary, where) in rows)
        {
            text.Append("  ").Append(name.PadRight(first + 2)).Append(summary.PadRight(second + 2)).AppendLine(where);
        }

        text.AppendLine();
        foreach (var line in options.Welcome.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            text.Append("  ").AppendLine(line);
        }

        return text.AppendLine().Append(CultureInfo.InvariantCulture, $"healthy in {Elapsed().TotalSeconds:0.0} s").ToString();
    }

    private static string Where(ResourceUrl url) =>
        url.DisplayText is null && url.Url.StartsWith(url.EndpointName + ":", StringComparison.Ordinal)
            ? url.Url
            : $"{url.DisplayText ?? url.EndpointName} {url.Url}";

    private TimeSpan Elapsed()
    {
        using var host = Process.GetCurrentProcess();
        var began = options.StartedAt > 0 ? DateTimeOffset.UnixEpoch.AddSeconds(options.StartedAt) : new DateTimeOffset(host.StartTime);
        return time.GetUtcNow() - began;
    }
}
