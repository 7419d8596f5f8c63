using Gallery.LocalHosting.Running;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Hosting;

namespace Gallery.LocalHosting;

/// <summary>An application whose parts are started, watched and ended together.</summary>
public sealed class DistributedApplication : IHost, IAsyncDisposable
{
    private readonly WebApplication _web;

    internal DistributedApplication(WebApplication web) => _web = web;

    /// <summary>The host's own services.</summary>
    public IServiceProvider Services => _web.Services;

    /// <summary>Begins a composition.</summary>
    /// <param name="args">Command line of the AppHost; settings may stand on it.</param>
    public static IDistributedApplicationBuilder CreateBuilder(string[] args) => new DistributedApplicationBuilder(args);

    /// <summary>Starts everything and returns when the AppHost has ended.</summary>
    public void Run() => RunAsync().GetAwaiter().GetResult();

    /// <summary>Starts everything; the task completes when the AppHost has ended.</summary>
    /// <param name="cancellationToken">Ends the application.</param>
    public async Task RunAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await HostingAbstractionsHostExtensions.RunAsync(_web, cancellationToken).ConfigureAwait(false);
        }
        catch (LocalHostingException refusal)
        {
            await FailAsync(refusal.Message).ConfigureAwait(false);
        }
        catch (IOException inUse) when (inUse.InnerException is AddressInUseException)
        {
            await FailAsync($"{inUse.Message} Another gallery may be running; ./start --port-base moves all ports.").ConfigureAwait(false);
        }
    }

    /// <summary>Starts the host and begins to start the resources.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default) => _web.StartAsync(cancellationToken);

    /// <summary>Ends all resources, then the host.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => _web.StopAsync(cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => ((IDisposable)_web).Dispose();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _web.DisposeAsync();

    private static async Task FailAsync(string message)
    {
        Environment.ExitCode = 1;
        await Console.Error.WriteLineAsync(message).ConfigureAwait(false);
    }
}
