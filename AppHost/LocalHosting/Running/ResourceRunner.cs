using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Gallery.LocalHosting.Running;

/// <summary>Leads one process through its life: wait for others, start, watch, end. Commands come one at a time.</summary>
internal sealed partial class ResourceRunner(
    IResource resource,
    string instanceId,
    ResourceBoard board,
    ConsoleLogs logs,
    ProcessLauncher launcher,
    HealthMonitor health,
    EnvironmentComposer composer,
    LocalHostOptions options,
    TimeProvider time,
    ILogger<ResourceRunner> logger
) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1);
    private CancellationTokenSource? _stop;
    private Task _life = Task.CompletedTask;

    /// <summary>Begins a life unless one is under way; does not wait for it to get anywhere.</summary>
    public async Task StartAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            BeginLife();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends the life that is under way and waits until nothing of it is left.</summary>
    public async Task StopAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            await EndLifeAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends the life that is under way, if any, and begins the next.</summary>
    public async Task RestartAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            await EndLifeAsync().ConfigureAwait(false);
            BeginLife();
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose()
    {
        _stop?.Dispose();
        _gate.Dispose();
    }

    private void BeginLife()
    {
        if (_life.IsCompleted)
        {
            _stop?.Dispose();
            _stop = new CancellationTokenSource();
            var stopping = _stop.Token;
            _life = Task.Run(() => LiveAsync(stopping), CancellationToken.None);
        }
    }

    private async Task EndLifeAsync()
    {
        if (_stop is not null)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
        }

        await _life.ConfigureAwait(false);
    }

    private async Task LiveAsync(CancellationToken stopping)
    {
        try
        {
            await WaitForOthersAsync(stopping).ConfigureAwait(false);
            using var process = await LaunchAsync(stopping).ConfigureAwait(false);
            await AccompanyAsync(process, stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            Change(snapshot => snapshot with { State = ResourceStates.NotStarted, WaitingFor = [] });
        }
        catch (Exception failure) when (failure is LocalHostingException or InvalidOperationException or IOException)
        {
            logs.Of(resource.Name).Write(failure.Message, isError: true);
            LogNotStarted(resource.Name, failure.Message);
            Change(snapshot =>
                snapshot with
                {
                    State = ResourceStates.FailedToStart,
                    Problem = failure.Message,
                    WaitingFor = [],
                    StoppedAt = time.GetUtcNow(),
                }
            );
        }
    }

    private async Task WaitForOthersAsync(CancellationToken stopping)
    {
        string[] dependencies = [.. resource.Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource.Name).Distinct()];
        Change(snapshot =>
            snapshot with
            {
                State = dependencies.Length > 0 ? ResourceStates.Waiting : ResourceStates.Starting,
                WaitingFor = [.. dependencies],
                Problem = null,
                ExitCode = null,
                StoppedAt = null,
                Health = HealthMonitor.Pending(resource),
            }
        );
        await Task.WhenAll(
                dependencies.Select(async dependency =>
                {
                    await board.WaitUntilAsync(dependency, snapshot => snapshot.IsReady, stopping).ConfigureAwait(false);
                    Change(snapshot => snapshot with { WaitingFor = snapshot.WaitingFor.Remove(dependency) });
                })
            )
            .ConfigureAwait(false);
    }

    private async Task<ChildProcess> LaunchAsync(CancellationToken stopping)
    {
        Change(snapshot => snapshot with { State = ResourceStates.Starting });
        var (program, leading, folder) = Program();
        string[] arguments = [.. leading, .. await EnvironmentComposer.ArgumentsAsync(resource, stopping).ConfigureAwait(false)];
        var variables = await composer.VariablesAsync(resource, instanceId, stopping).ConfigureAwait(false);
        await EndpointAllocator.RequireFreeAsync(resource, stopping).ConfigureAwait(false);

        Change(snapshot => snapshot with { Environment = [.. variables], Arguments = [.. arguments], WorkingDirectory = folder });
        var process = new ChildProcess(
            await launcher.StartAsync(program, arguments, folder, EnvironmentComposer.ForChild(variables)).ConfigureAwait(false),
            logs.Of(resource.Name)
        );
        Change(snapshot =>
            snapshot with
            {
                State = ResourceStates.Running,
                Pid = process.Pid,
                StartTicks = process.StartTicks,
                StartedAt = time.GetUtcNow(),
            }
        );
        return process;
    }

    private async Task AccompanyAsync(ChildProcess process, CancellationToken stopping)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var monitor = health.WatchAsync(resource, watching.Token);
        var stopped = new TaskCompletionSource();
        await using (stopping.Register(stopped.SetResult).ConfigureAwait(false))
        {
            await Task.WhenAny(process.Exit, stopped.Task).ConfigureAwait(false);
        }

        var asked = !process.Exit.IsCompleted;
        await watching.CancelAsync().ConfigureAwait(false);
        await monitor.ConfigureAwait(false);
        if (asked)
        {
            Change(snapshot => snapshot with { State = ResourceStates.Stopping });
            await process.StopAsync(options.StopTimeout).ConfigureAwait(false);
        }

        var code = await process.Exit.ConfigureAwait(false);
        var state = code == 0 || (asked && code == 128 + NativeProcess.Terminate) ? ResourceStates.Finished : ResourceStates.Exited;
        if (state == ResourceStates.Exited && !asked)
        {
            LogExited(resource.Name, code, logs.Of(resource.Name).Path);
        }

        Change(snapshot =>
            snapshot with
            {
                State = state,
                ExitCode = code,
                Pid = null,
                StartTicks = null,
                StoppedAt = time.GetUtcNow(),
                Health = [],
                Problem = state == ResourceStates.Exited ? $"The process ended with code {code}." : null,
            }
        );
    }

    private (string Program, ImmutableArray<string> LeadingArguments, string Folder) Program()
    {
        if (resource is ExecutableResource executable)
        {
            return (
                ProcessLauncher.Find(executable.Command, executable.WorkingDirectory)
                    ?? throw new LocalHostingException($"There is no program '{executable.Command}' on the PATH."),
                [],
                executable.WorkingDirectory
            );
        }

        var project = resource.Annotations.OfType<IProjectMetadata>().Last().ProjectPath;
        var host =
            Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
                ? Environment.ProcessPath!
                : ProcessLauncher.Find("dotnet") ?? throw new LocalHostingException("There is no 'dotnet' on the PATH.");
        return (host, [ProjectFiles.Assembly(project)], Path.GetDirectoryName(project)!);
    }

    private void Change(Func<ResourceSnapshot, ResourceSnapshot> change) => board.Update(resource.Name, change);

    [LoggerMessage(EventId = 101, Level = LogLevel.Error, Message = "{Resource} could not be started: {Problem}")]
    private partial void LogNotStarted(string resource, string problem);

    [LoggerMessage(EventId = 102, Level = LogLevel.Warning, Message = "{Resource} ended with code {Code}; what it wrote is in {Log}")]
    private partial void LogExited(string resource, int code, string log);
}
