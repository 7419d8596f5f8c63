using System.Runtime.CompilerServices;
using System.Text.Json;
using Gallery.LocalHosting.Running;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.LocalHosting.Tests;

/// <summary>An application under the local layer, in this process, with a data folder of its own.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly DistributedApplication _app;
    private readonly bool _ownsFolder;

    private TestHost(DistributedApplication app, string dataPath, bool ownsFolder)
    {
        _app = app;
        DataPath = dataPath;
        _ownsFolder = ownsFolder;
    }

    public string DataPath { get; }

    public ResourceBoard Board => _app.Services.GetRequiredService<ResourceBoard>();

    public ConsoleLogs Logs => _app.Services.GetRequiredService<ConsoleLogs>();

    public Orchestrator Orchestrator => _app.Services.GetRequiredService<Orchestrator>();

    public HostEndpoints Endpoints => _app.Services.GetRequiredService<HostEndpoints>();

    public IServiceProvider Services => _app.Services;

    public string StateFile => Path.Combine(DataPath, "run", "state.json");

    public static IDistributedApplicationBuilder Builder(string? dataPath = null, params string[] settings) =>
        DistributedApplication.CreateBuilder([
            $"--DataPath={dataPath ?? Path.Combine(Path.GetTempPath(), $"local-hosting-{Guid.NewGuid():N}")}",
            "--ASPNETCORE_URLS=http://127.0.0.1:0",
            "--ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL=http://127.0.0.1:0",
            "--ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL=http://127.0.0.1:0",
            .. settings,
        ]);

    public static string NewFolder() => Directory.CreateTempSubdirectory("local-hosting-").FullName;

    public static async Task<TestHost> StartAsync(IDistributedApplicationBuilder builder, bool ownsFolder = true)
    {
        var app = builder.Build();
        var host = new TestHost(app, builder.Configuration["DataPath"]!, ownsFolder);
        try
        {
            await app.StartAsync();
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Waits until a resource is as wished, and gives up with a sentence that helps.</summary>
    public async Task<ResourceSnapshot> WaitAsync(string name, Predicate<ResourceSnapshot> wish)
    {
        using var timeout = new CancellationTokenSource(Patience);
        try
        {
            return await Board.WaitUntilAsync(name, wish, timeout.Token);
        }
        catch (OperationCanceledException)
        {
            var lines = string.Join('\n', Logs.Of(name).Last(20).Select(line => line.Text));
            throw new TimeoutException($"{name} stays as it is: {Board.Find(name)}\n{lines}");
        }
    }

    public Task<ResourceSnapshot> ReadyAsync(string name) => WaitAsync(name, snapshot => snapshot.IsReady);

    public static async Task<IReadOnlyDictionary<string, string>> EnvironmentOfAsync(ResourceSnapshot echo)
    {
        using var http = new HttpClient();
        var url = echo.Urls.Single(one => one.EndpointName == "http").Url;
        return JsonSerializer.Deserialize<Dictionary<string, string>>(await http.GetStringAsync(new Uri($"{url}/environment")))!;
    }

    /// <summary>Whether only the owner may read and write a file.</summary>
    public static bool IsPrivate(string file) =>
        OperatingSystem.IsWindows() || File.GetUnixFileMode(file) == (UnixFileMode.UserRead | UnixFileMode.UserWrite);

    public static bool Lives(int pid) => NativeProcess.StartTicks(pid) is not null;

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        if (_ownsFolder && Directory.Exists(DataPath))
        {
            Directory.Delete(DataPath, recursive: true);
        }
    }
}

/// <summary>Where the helper service is.</summary>
internal sealed class EchoProject : IProjectMetadata
{
    public string ProjectPath { get; } = Path.GetFullPath(Path.Combine(Here(), "..", "..", "Echo", "Echo.csproj"));

    private static string Here([CallerFilePath] string file = "") => file;
}

internal static class EchoExtensions
{
    /// <summary>Adds the helper service on free ports.</summary>
    public static IResourceBuilder<ProjectResource> AddEcho(this IDistributedApplicationBuilder builder, string name) =>
        builder
            .AddProject<EchoProject>(name, launchProfileName: null)
            .WithEndpoint("http", endpoint => endpoint.Port = null)
            .WithEndpoint("grpc", endpoint => endpoint.Port = null)
            .WithHttpHealthCheck("/health", endpointName: "http");
}
