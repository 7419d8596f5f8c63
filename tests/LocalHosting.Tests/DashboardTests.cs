using Gallery.LocalHosting.Protos.Dashboard;
using Grpc.Core;
using Grpc.Net.Client;

namespace Gallery.LocalHosting.Tests;

/// <summary>The resource service, spoken to as the real dashboard does.</summary>
public sealed class DashboardTests
{
    [Fact]
    public async Task Resources_come_first_then_changes_and_commands_are_carried_out()
    {
        var builder = TestHost.Builder();
        builder.AddParameter("key", "s3cr3t", secret: true);
        builder.AddEcho("echo").WithEnvironment("JWT_KEY", builder.AddParameter("jwt-key", "s3cr3t", secret: true));
        await using var host = await TestHost.StartAsync(builder);
        var ready = await host.ReadyAsync("echo");
        using var channel = Channel(host);
        var client = new DashboardService.DashboardServiceClient(channel);

        Assert.Equal("Gallery", (await client.GetApplicationInformationAsync(new ApplicationInformationRequest())).ApplicationName);

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var watch = client.WatchResources(new WatchResourcesRequest(), cancellationToken: timeout.Token);
        Assert.True(await watch.ResponseStream.MoveNext(timeout.Token));
        var initial = watch.ResponseStream.Current.InitialData.Resources;
        Assert.All(
            initial,
            resource =>
                Assert.True(
                    resource.Name.Length > 0
                        && resource.ResourceType.Length > 0
                        && resource.DisplayName.Length > 0
                        && resource.Uid.Length > 0
                        && resource.CreatedAt is not null
                )
        );
        var echo = initial.Single(resource => resource.DisplayName == "echo");
        Assert.Equal((ready.InstanceName, "Project", "Running", "success"), (echo.Name, echo.ResourceType, echo.State, echo.StateStyle));
        Assert.Equal(["http", "grpc"], echo.Urls.Select(url => url.EndpointName));
        Assert.Equal(HealthStatus.Healthy, echo.HealthReports.Single().Status);
        Assert.Equal(["start", "stop", "restart"], echo.Commands.Select(command => command.Name));
        Assert.DoesNotContain("s3cr3t", initial.ToString(), StringComparison.Ordinal);

        var done = await client.ExecuteResourceCommandAsync(
            new ResourceCommandRequest
            {
                CommandName = "stop",
                ResourceName = echo.Name,
                ResourceType = "Project",
            }
        );
        Assert.Equal(ResourceCommandResponseKind.Succeeded, done.Kind);
        var states = new List<string>();
        while (!states.Contains("Finished") && await watch.ResponseStream.MoveNext(timeout.Token))
        {
            states.AddRange(
                watch
                    .ResponseStream.Current.Changes.Value.Where(change => change.Upsert.DisplayName == "echo")
                    .Select(change => change.Upsert.State)
            );
        }

        Assert.Equal(["Stopping", "Finished"], states.Where(state => state != "Running"));
        var refused = await client.ExecuteResourceCommandAsync(
            new ResourceCommandRequest { CommandName = "start", ResourceName = "nobody" }
        );
        Assert.Equal(ResourceCommandResponseKind.Failed, refused.Kind);
    }

    [Fact]
    public async Task Console_lines_are_streamed_and_followed()
    {
        var builder = TestHost.Builder();
        builder.AddExecutable(
            "talker",
            "sh",
            ".",
            "-c",
            "echo first; echo problem >&2; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; echo later; done; sleep 100"
        );
        await using var host = await TestHost.StartAsync(builder);
        var talker = await host.ReadyAsync("talker");
        while (host.Logs.Of("talker").Last().Count < 2)
        {
            await Task.Delay(20);
        }

        using var channel = Channel(host);
        var client = new DashboardService.DashboardServiceClient(channel);
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(20));

        using var now = client.WatchResourceConsoleLogs(
            new WatchResourceConsoleLogsRequest { ResourceName = talker.InstanceName, SuppressFollow = true },
            cancellationToken: timeout.Token
        );
        var lines = new List<ConsoleLogLine>();
        await foreach (var update in now.ResponseStream.ReadAllAsync(timeout.Token))
        {
            lines.AddRange(update.LogLines);
        }

        Assert.Contains(lines, line => line.Text.EndsWith(" first", StringComparison.Ordinal) && !line.IsStdErr);
        Assert.Contains(lines, line => line.Text.EndsWith(" problem", StringComparison.Ordinal) && line.IsStdErr);

        using var follow = client.WatchResourceConsoleLogs(
            new WatchResourceConsoleLogsRequest { ResourceName = talker.InstanceName },
            cancellationToken: timeout.Token
        );
        var later = 0;
        while (later < 2 && await follow.ResponseStream.MoveNext(timeout.Token))
        {
            later += follow.ResponseStream.Current.LogLines.Count(line => line.Text.EndsWith(" later", StringComparison.Ordinal));
        }

        Assert.True(later >= 2);
    }

    [Fact]
    public async Task Interactions_stay_open_and_the_host_ends_all_the_same()
    {
        var host = await TestHost.StartAsync(TestHost.Builder());
        using var channel = Channel(host);
        using var call = new DashboardService.DashboardServiceClient(channel).WatchInteractions();
        var answer = call.ResponseStream.MoveNext(CancellationToken.None);
        await Task.Delay(500);
        Assert.False(answer.IsCompleted);

        var clock = System.Diagnostics.Stopwatch.StartNew();
        await host.DisposeAsync();
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task A_configured_key_is_asked_for()
    {
        await using var host = await TestHost.StartAsync(TestHost.Builder(settings: "--AppHost:ResourceService:ApiKey=k"));
        using var channel = Channel(host);
        var client = new DashboardService.DashboardServiceClient(channel);
        var refusal = await Assert.ThrowsAsync<RpcException>(() =>
            client.GetApplicationInformationAsync(new ApplicationInformationRequest()).ResponseAsync
        );
        Assert.Equal(StatusCode.Unauthenticated, refusal.StatusCode);
        await client.GetApplicationInformationAsync(
            new ApplicationInformationRequest(),
            new Metadata { { "x-resource-service-api-key", "k" } }
        );
    }

    private static GrpcChannel Channel(TestHost host) => GrpcChannel.ForAddress($"http://127.0.0.1:{host.Endpoints.ResourceServicePort}");
}
