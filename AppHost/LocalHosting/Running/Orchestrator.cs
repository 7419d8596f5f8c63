using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Gallery.LocalHosting.Running;

/// <summary>Brings the composed application to life: everything at once, held back only by what it waits for; and ends it in the reverse order.</summary>
internal sealed partial class Orchestrator(
    IReadOnlyList<IResource> resources,
    IServiceProvider services,
    ResourceBoard board,
    RunState state,
    ILogger<Orchestrator> logger
) : IHostedLifecycleService, IDisposable
{
    private readonly Dictionary<string, ResourceRunner> _runners = new(StringComparer.OrdinalIgnoreCase);
    private readonly CancellationTokenSource _following = new();
    private Task _stateFile = Task.CompletedTask;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        RequireNoCircle();
        await state.AcquireAsync(cancellationToken).ConfigureAwait(false);
        EndpointAllocator.Allocate(resources);
        foreach (var resource in resources)
        {
            Prepare(resource);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The host listens, so telemetry finds its receiver: now the resources.</summary>
    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        _stateFile = state.FollowAsync(_following.Token);
        foreach (var runner in _runners.Values)
        {
            await runner.StartAsync().ConfigureAwait(false);
        }

        foreach (var value in resources.Where(resource => !_runners.ContainsKey(resource.Name)))
        {
            await ShowValueAsync(value, cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        var stops = new Dictionary<IResource, Task>();
        await Task.WhenAll(resources.Where(resource => _runners.ContainsKey(resource.Name)).Select(resource => StopAsync(resource, stops)))
            .ConfigureAwait(false);
        await _following.CancelAsync().ConfigureAwait(false);
        await _stateFile.ConfigureAwait(false);
        state.Release();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Carries out `start`, `stop` or `restart`. Gives null, or why it can't be done.</summary>
    public async Task<string?> ExecuteAsync(string resourceName, string command)
    {
        if (board.Find(resourceName) is not { } snapshot || !_runners.TryGetValue(snapshot.Name, out var runner))
        {
            return $"There is no process '{resourceName}' here.";
        }

        LogCommand(command, snapshot.Name);
        switch (command)
        {
            case "start" or "resource-start":
                await runner.StartAsync().ConfigureAwait(false);
                return null;
            case "stop" or "resource-stop":
                await runner.StopAsync().ConfigureAwait(false);
                return null;
            case "restart" or "resource-restart":
                await runner.RestartAsync().ConfigureAwait(false);
                return null;
            default:
                return $"There is no command '{command}'; there are start, stop and restart.";
        }
    }

    public void Dispose()
    {
        _following.Dispose();
        foreach (var runner in _runners.Values)
        {
            runner.Dispose();
        }
    }

    private void Prepare(IResource resource)
    {
        var instanceId = RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz", 8);
        var isProcess = resource is ProjectResource or ExecutableResource;
        board.Add(
            new ResourceSnapshot
            {
                Name = resource.Name,
                InstanceName = isProcess ? $"{resource.Name}-{instanceId}" : resource.Name,
                Uid = Guid.NewGuid().ToString(),
                Type = resource switch
                {
                    ProjectResource => "Project",
                    ExecutableResource => "Executable",
                    ParameterResource => "Parameter",
                    _ => "ConnectionString",
                },
                CreatedAt = services.GetRequiredService<TimeProvider>().GetUtcNow(),
                Source = resource switch
                {
                    ProjectResource => resource.Annotations.OfType<IProjectMetadata>().Last().ProjectPath,
                    ExecutableResource executable => executable.Command,
                    _ => "",
                },
                Urls = Urls(resource),
                Relationships =
                [
                    .. resource
                        .Annotations.OfType<RelationshipAnnotation>()
                        .Select(to => new Relationship(to.Resource.Name, to.Type))
                        .Distinct(),
                ],
            }
        );
        if (isProcess)
        {
            _runners.Add(resource.Name, ActivatorUtilities.CreateInstance<ResourceRunner>(services, resource, instanceId));
        }

        if (resource.Annotations.OfType<ReplicaAnnotation>().LastOrDefault() is { Replicas: > 1 } replicas)
        {
            LogOneReplica(resource.Name, replicas.Replicas);
        }
    }

    private async Task ShowValueAsync(IResource resource, CancellationToken cancellationToken)
    {
        try
        {
            var value = await ((IValueProvider)resource).GetValueAsync(cancellationToken).ConfigureAwait(false);
            var secret = resource is ISecretAware { IsSecret: true };
            board.Update(
                resource.Name,
                snapshot =>
                    snapshot with
                    {
                        State = value is null ? ResourceStates.ValueMissing : ResourceStates.Running,
                        Problem = value is null ? $"Give it as the setting Parameters:{resource.Name}." : null,
                        Source = secret ? "" : value ?? "",
                    }
            );
        }
        catch (InvalidOperationException missing)
        {
            board.Update(resource.Name, snapshot => snapshot with { State = ResourceStates.ValueMissing, Problem = missing.Message });
        }
    }

    private static ImmutableArray<ResourceUrl> Urls(IResource resource)
    {
        if (resource is not IResourceWithEndpoints owner)
        {
            return [];
        }

        return
        [
            .. resource
                .Annotations.OfType<EndpointAnnotation>()
                .Select(endpoint =>
                {
                    var reference = new EndpointReference(owner, endpoint.Name);
                    var url = new ResourceUrlAnnotation { Url = reference.Url, Endpoint = reference };
                    foreach (
                        var change in resource
                            .Annotations.OfType<UrlCallbackAnnotation>()
                            .Where(change => string.Equals(change.EndpointName, endpoint.Name, StringComparison.OrdinalIgnoreCase))
                    )
                    {
                        change.Callback(url);
                    }

                    return new ResourceUrl(endpoint.Name, url.Url, url.DisplayText);
                }),
        ];
    }

    /// <summary>Stops those who need the resource first, then the resource.</summary>
    private Task StopAsync(IResource resource, Dictionary<IResource, Task> stops)
    {
        if (!stops.TryGetValue(resource, out var stop))
        {
            var dependents = resources.Where(other => Needs(other).Contains(resource)).Select(other => StopAsync(other, stops)).ToList();
            stops[resource] = stop = StopAfterAsync(resource, dependents);
        }

        return stop;
    }

    private async Task StopAfterAsync(IResource resource, IReadOnlyList<Task> dependents)
    {
        await Task.WhenAll(dependents).ConfigureAwait(false);
        if (_runners.TryGetValue(resource.Name, out var runner))
        {
            await runner.StopAsync().ConfigureAwait(false);
        }
    }

    private static IEnumerable<IResource> Needs(IResource resource) =>
        resource.Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource);

    private void RequireNoCircle()
    {
        var settled = new HashSet<IResource>();
        var open = new HashSet<IResource>();
        foreach (var resource in resources)
        {
            Visit(resource);
        }

        void Visit(IResource resource)
        {
            if (settled.Contains(resource))
            {
                return;
            }

            if (!open.Add(resource))
            {
                throw new LocalHostingException(
                    $"These wait for each other, so none could start: {string.Join(", ", open.Select(one => one.Name))}."
                );
            }

            foreach (var need in Needs(resource))
            {
                Visit(need);
            }

            open.Remove(resource);
            settled.Add(resource);
        }
    }

    [LoggerMessage(
        EventId = 111,
        Level = LogLevel.Warning,
        Message = "{Resource} is to have {Replicas} replicas; the local layer runs one"
    )]
    private partial void LogOneReplica(string resource, int replicas);

    [LoggerMessage(EventId = 112, Level = LogLevel.Information, Message = "Command {Command} for {Resource}")]
    private partial void LogCommand(string command, string resource);
}
