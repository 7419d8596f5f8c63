using System.Diagnostics;
using System.Text.Json;
using Gallery.LocalHosting.Running;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Gallery.LocalHosting.Tests;

/// <summary>What a host that died leaves behind, and two hosts on one folder.</summary>
public sealed class LeftOverTests
{
    [Fact]
    public async Task A_start_ends_what_a_dead_host_left_running_and_nothing_else()
    {
        var folder = TestHost.NewFolder();
        using var left = Process.Start("setsid", ["sleep", "300"]);
        using var stranger = Process.Start("sleep", ["300"]);
        Directory.CreateDirectory(Path.Combine(folder, "run"));
        await File.WriteAllTextAsync(
            Path.Combine(folder, "run", "state.json"),
            JsonSerializer.Serialize(
                new
                {
                    hostPid = 1,
                    bootId = NativeProcess.BootId(),
                    page = "",
                    resources = new Dictionary<string, object>
                    {
                        ["left"] = Entry(left.Id, NativeProcess.StartTicks(left.Id)),

                        // The pid was given to another process since.
                        ["gone"] = Entry(stranger.Id, NativeProcess.StartTicks(stranger.Id) - 1),
                    },
                }
            )
        );

        await using (await TestHost.StartAsync(TestHost.Builder(folder)))
        {
            Assert.True(left.WaitForExit(TimeSpan.FromSeconds(5)));
            Assert.False(stranger.HasExited);
        }

        stranger.Kill();

        static object Entry(int pid, long? ticks) =>
            new
            {
                type = "Executable",
                state = "Running",
                healthy = true,
                pid,
                startTicks = ticks,
                urls = new Dictionary<string, string>(),
            };
    }

    [Fact]
    public async Task Two_hosts_do_not_share_a_folder()
    {
        var folder = TestHost.NewFolder();
        await using var first = await TestHost.StartAsync(TestHost.Builder(folder));
        var refusal = await Assert.ThrowsAsync<LocalHostingException>(() =>
            TestHost.StartAsync(TestHost.Builder(folder), ownsFolder: false)
        );
        Assert.Contains("is running", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_that_fails_gives_up_when_told_so()
    {
        var builder = TestHost.Builder(settings: "--LocalHosting:StopOnFailedStart=true");
        builder.AddExecutable("fine", "sleep", ".", "100");
        builder.AddExecutable("broken", "sh", ".", "-c", "echo no disk; exit 4").WithHealthCheck("never");
        builder.Services.AddHealthChecks().AddCheck("never", () => HealthCheckResult.Unhealthy());
        await using var host = await TestHost.StartAsync(builder);
        var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        await Task.Delay(TimeSpan.FromSeconds(10), stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.True(stopping.IsCancellationRequested);
        Assert.Equal(4, host.Board.Find("broken")!.ExitCode);
        Assert.Equal(1, Environment.ExitCode);
        Environment.ExitCode = 0;
    }
}
