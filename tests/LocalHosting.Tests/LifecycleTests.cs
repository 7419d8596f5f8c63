using System.Text.Json;
using Gallery.LocalHosting.Running;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gallery.LocalHosting.Tests;

/// <summary>Start, wait, crash, command, end.</summary>
public sealed class LifecycleTests
{
    [Fact]
    public async Task A_dependent_starts_only_when_what_it_waits_for_is_healthy()
    {
        var healthy = false;
        var builder = TestHost.Builder();
        builder
            .Services.AddHealthChecks()
            .AddCheck("gate", () => healthy ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("closed"));
        var first = builder.AddExecutable("first", "sleep", ".", "100").WithHealthCheck("gate");
        builder.AddExecutable("second", "sleep", ".", "100").WaitFor(first);
        builder.AddExecutable("independent", "sleep", ".", "100");
        await using var host = await TestHost.StartAsync(builder);

        await host.ReadyAsync("independent");
        var closed = await host.WaitAsync("first", snapshot => snapshot.Health.Any(report => report.Healthy == false));
        Assert.Equal("Unhealthy", closed.Summary);
        Assert.Equal("closed", closed.Health.Single().Description);
        var waiting = host.Board.Find("second")!;
        Assert.Equal(ResourceStates.Waiting, waiting.State);
        Assert.Equal("first", Assert.Single(waiting.WaitingFor));

        healthy = true;
        var second = await host.ReadyAsync("second");
        Assert.True(host.Board.Find("first")!.IsReady);
        Assert.Empty(second.WaitingFor);
    }

    [Fact]
    public async Task Health_follows_the_HTTP_endpoint()
    {
        var builder = TestHost.Builder(settings: "--LocalHosting:HealthInterval=00:00:00.1");
        builder.AddEcho("echo");
        await using var host = await TestHost.StartAsync(builder);
        var echo = await host.ReadyAsync("echo");
        await PostAsync(echo, "/sicken");
        var sick = await host.WaitAsync("echo", snapshot => !snapshot.IsHealthy);
        Assert.Equal("Unhealthy", sick.Summary);
        Assert.Contains("503", sick.Health.Single().Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_crash_is_shown_with_its_code_and_start_and_restart_bring_the_process_back()
    {
        var builder = TestHost.Builder();
        builder.AddEcho("echo");
        await using var host = await TestHost.StartAsync(builder);
        var echo = await host.ReadyAsync("echo");

        await PostAsync(echo, "/crash/3");
        var crashed = await host.WaitAsync("echo", snapshot => snapshot.IsDown);
        Assert.Equal((ResourceStates.Exited, 3, null), (crashed.State, crashed.ExitCode, crashed.Pid));

        Assert.Null(await host.Orchestrator.ExecuteAsync("echo", "start"));
        var again = await host.ReadyAsync("echo");
        Assert.NotEqual(echo.Pid, again.Pid);
        Assert.Equal(echo.InstanceName, again.InstanceName);

        Assert.Null(await host.Orchestrator.ExecuteAsync(again.InstanceName, "restart"));
        var third = await host.WaitAsync("echo", snapshot => snapshot.IsReady && snapshot.Pid != again.Pid);
        Assert.False(TestHost.Lives(again.Pid!.Value));

        NativeProcess.Signal(third.Pid!.Value, NativeProcess.KillAtOnce);
        Assert.Equal(137, (await host.WaitAsync("echo", snapshot => snapshot.IsDown)).ExitCode);

        Assert.NotNull(await host.Orchestrator.ExecuteAsync("echo", "dance"));
        Assert.NotNull(await host.Orchestrator.ExecuteAsync("nobody", "start"));
    }

    [Fact]
    public async Task Stopping_ends_the_whole_tree_and_dependents_first()
    {
        var folder = TestHost.NewFolder();
        var builder = TestHost.Builder(folder, "--LocalHosting:StopTimeout=00:00:01");
        var store = builder.AddExecutable(
            "store",
            "sh",
            folder,
            "-c",
            "trap 'date +%s%N > store.end; exit 0' TERM; touch store.began; while :; do sleep 0.02; done"
        );
        builder
            .AddExecutable(
                "client",
                "sh",
                folder,
                "-c",
                "trap 'sleep 0.2; date +%s%N > client.end; exit 0' TERM; touch client.began; while :; do sleep 0.02; done"
            )
            .WaitFor(store);
        builder.AddExecutable(
            "tree",
            "sh",
            folder,
            "-c",
            "sleep 300 & echo $! > child.pid; trap '' TERM; touch tree.began; while :; do sleep 0.1; done"
        );
        await using var host = await TestHost.StartAsync(builder);
        await host.ReadyAsync("client");
        var tree = await host.ReadyAsync("tree");
        while (Directory.GetFiles(folder, "*.began").Length < 3)
        {
            await Task.Delay(20);
        }

        var child = int.Parse(
            await File.ReadAllTextAsync(Path.Combine(folder, "child.pid")),
            System.Globalization.CultureInfo.InvariantCulture
        );
        Assert.True(TestHost.Lives(child));
        Assert.True(File.Exists(host.StateFile));

        await host.StopAsync();

        Assert.False(TestHost.Lives(tree.Pid!.Value));
        Assert.False(TestHost.Lives(child));
        Assert.Equal(137, host.Board.Find("tree")!.ExitCode);
        Assert.Equal(ResourceStates.Finished, host.Board.Find("store")!.State);
        Assert.True(Moment("client.end") < Moment("store.end"));
        Assert.False(File.Exists(host.StateFile));

        long Moment(string file) =>
            long.Parse(File.ReadAllText(Path.Combine(folder, file)), System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_named()
    {
        var builder = TestHost.Builder();
        builder.AddExecutable("ghost", "no-such-program", ".");
        await using var host = await TestHost.StartAsync(builder);
        var ghost = await host.WaitAsync("ghost", snapshot => snapshot.IsDown);
        Assert.Equal(ResourceStates.FailedToStart, ghost.State);
        Assert.Contains("no-such-program", ghost.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        var port = HostEndpoints.FreePorts(1)[0];
        using var squatter = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, port);
        squatter.Start();
        var builder = TestHost.Builder();
        builder
            .AddExecutable("late", "sleep", ".", "100")
            .WithEndpoint(port: port, targetPort: port, scheme: "tcp", name: "tcp", isProxied: false);
        await using var host = await TestHost.StartAsync(builder);
        Assert.Contains($"Port {port}", (await host.WaitAsync("late", snapshot => snapshot.IsDown)).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_process_writes_is_kept_with_time_and_stream()
    {
        var builder = TestHost.Builder();
        builder.AddExecutable("talker", "sh", ".", "-c", "echo one; echo two >&2; printf '\\033[31mred\\033[0m\\n'; sleep 100");
        await using var host = await TestHost.StartAsync(builder);
        await host.ReadyAsync("talker");
        var log = host.Logs.Of("talker");
        while (log.Last().Count < 3)
        {
            await Task.Delay(20);
        }

        Assert.Contains(log.Last(), line => line is { Text: "one", IsError: false });
        Assert.Contains(log.Last(), line => line is { Text: "two", IsError: true });
        Assert.Matches("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z one$", log.Last().Single(line => line.Text == "one").Stamped);
        Assert.Contains(" red\n", await File.ReadAllTextAsync(log.Path), StringComparison.Ordinal);
        Assert.True(TestHost.IsPrivate(log.Path));
    }

    [Fact]
    public void Circles_are_refused()
    {
        var builder = TestHost.Builder();
        var one = builder.AddExecutable("one", "sleep", ".", "1");
        var two = builder.AddExecutable("two", "sleep", ".", "1").WaitFor(one);
        one.WaitFor(two);
        var refusal = Assert.Throws<LocalHostingException>(() => TestHost.StartAsync(builder).GetAwaiter().GetResult());
        Assert.Contains("one, two", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_state_file_tells_what_runs_and_is_for_its_owner_alone()
    {
        var builder = TestHost.Builder();
        builder.AddEcho("echo");
        await using var host = await TestHost.StartAsync(builder);
        var echo = await host.ReadyAsync("echo");
        JsonElement resource = default;
        for (
            var tries = 0;
            tries < 100 && !(resource.ValueKind == JsonValueKind.Object && resource.GetProperty("healthy").GetBoolean());
            tries++
        )
        {
            await Task.Delay(20);
            using var state = JsonDocument.Parse(await File.ReadAllTextAsync(host.StateFile));
            resource = state.RootElement.GetProperty("resources").GetProperty("echo").Clone();
            Assert.Equal(Environment.ProcessId, state.RootElement.GetProperty("hostPid").GetInt32());
        }

        Assert.Equal(echo.Pid, resource.GetProperty("pid").GetInt32());
        Assert.Equal("Running", resource.GetProperty("state").GetString());
        Assert.Equal(echo.Urls.Single(url => url.EndpointName == "grpc").Url, resource.GetProperty("urls").GetProperty("grpc").GetString());
        Assert.True(TestHost.IsPrivate(host.StateFile));
        Assert.True(File.Exists(Path.Combine(host.DataPath, "run", "ready")));
    }

    private static async Task PostAsync(ResourceSnapshot echo, string path)
    {
        using var http = new HttpClient();
        try
        {
            using var answer = await http.PostAsync(new Uri(echo.Urls.Single(url => url.EndpointName == "http").Url + path), null);
        }
        catch (HttpRequestException)
        {
            // A process that ends on request does not answer.
        }
    }
}
