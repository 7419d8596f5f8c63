using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using StackExchange.Redis;

namespace Gallery.TestKit.Suite;

/// <summary>
/// The whole house, started by `./start --detach` and ended by `./start --stop`, with a data folder and ports of its own, so that it can
/// run beside one that a person uses.
/// </summary>
public sealed class GallerySuite : IAsyncDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly ConcurrentDictionary<string, GrpcChannel> _channels = [];
    private readonly ConcurrentDictionary<string, string> _tokens = [];
    private readonly string _root;
    private readonly int _portBase;
    private readonly CommandLine _commands;

    private GallerySuite(string root, int portBase, IReadOnlyDictionary<string, string> settings)
    {
        _root = root;
        _portBase = portBase;
        _commands = new CommandLine(
            Repository,
            new Dictionary<string, string>(settings)
            {
                ["GalleryAspire"] = "false",
                ["GALLERY_DATA"] = DataPath,
                ["GALLERY_CONFIG"] = Path.Combine(root, "config"),
            }
        );
    }

    /// <summary>Top folder of the repository.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Folder of everything that the suite keeps.</summary>
    public string DataPath => Path.Combine(_root, "data");

    /// <summary>How long the last start took until all was healthy.</summary>
    public TimeSpan StartTime { get; private set; }

    /// <summary>What the last start printed.</summary>
    public string StartOutput { get; private set; } = "";

    /// <summary>Starts a new house.</summary>
    /// <param name="root">An empty folder for its data.</param>
    /// <param name="portBase">First of the ports it uses, about 150 of them.</param>
    /// <param name="settings">Environment variables that configure it.</param>
    public static async Task<GallerySuite> StartAsync(string root, int portBase, IReadOnlyDictionary<string, string>? settings = null)
    {
        Directory.CreateDirectory(root);
        var suite = new GallerySuite(root, portBase, settings ?? new Dictionary<string, string>());
        await suite.StartAsync();
        return suite;
    }

    /// <summary>Starts it (again).</summary>
    public async Task StartAsync()
    {
        var clock = Stopwatch.StartNew();
        string[] arguments = ["--detach", "--data", DataPath, "--port-base", $"{_portBase}"];
        var result = await _commands.RunAsync("start", arguments);
        StartTime = clock.Elapsed;
        StartOutput = result.Succeeded().Output;
    }

    /// <summary>Ends it; the data stays.</summary>
    public async Task StopAsync()
    {
        foreach (var channel in _channels.Values)
        {
            channel.Dispose();
        }
        _channels.Clear();
        _tokens.Clear();
        (await _commands.RunAsync("start", ["--stop", "--data", DataPath])).Succeeded();
    }

    /// <summary>Runs `./gallery`.</summary>
    public Task<CommandResult> RunAsync(params string[] arguments) => _commands.RunAsync("gallery", arguments);

    /// <summary>Runs `./gallery`, and takes nothing but success for an answer.</summary>
    public async Task<string> SucceedAsync(params string[] arguments) => (await RunAsync(arguments)).Succeeded().Output;

    /// <summary>A channel to a service, for a seeded principal.</summary>
    public async Task<CallInvoker> CallAsAsync(string principal, string service)
    {
        if (!_tokens.TryGetValue(principal, out var token))
        {
            // Signed in apart, so that whoever the commands run as stays so.
            var commands = _commands.With("GALLERY_CONFIG", Path.Combine(_root, $"config-{principal}"));
            (await commands.RunAsync("gallery", ["login", "--as", principal])).Succeeded();
            token = _tokens[principal] = (await commands.RunAsync("gallery", ["token"])).Succeeded().Output.Trim();
        }
        var channel = _channels.GetOrAdd(service, name => GrpcChannel.ForAddress(Endpoint(name)));
        return channel.Intercept(metadata =>
        {
            metadata.Add("authorization", $"Bearer {token}");
            return metadata;
        });
    }

    /// <summary>A connection to the house's own Redis with what a service may do there.</summary>
    public Task<ConnectionMultiplexer> RedisAsAsync(string service) =>
        ConnectionMultiplexer.ConnectAsync(
            new ConfigurationOptions
            {
                EndPoints = { { "127.0.0.1", _portBase } },
                User = service,
                Password = File.ReadAllText(Path.Combine(DataPath, "secrets", $"redis-password-{service}")).Trim(),
                // What its user may not touch.
                TieBreaker = "",
                ConfigurationChannel = "",
            }
        );

    /// <summary>Address of a service, by its name in `endpoints.json`.</summary>
    public string Endpoint(string service) => ReadJson("endpoints.json").GetProperty(service).GetString()!;

    /// <summary>Process of a resource.</summary>
    public int PidOf(string resource) => State.GetProperty("resources").GetProperty(resource).GetProperty("pid").GetInt32();

    /// <summary>Every process of the house, the host among them.</summary>
    public IReadOnlyList<int> Pids =>
        [
            State.GetProperty("hostPid").GetInt32(),
            .. State
                .GetProperty("resources")
                .EnumerateObject()
                .Select(resource => resource.Value.TryGetProperty("pid", out var pid) ? pid.GetInt32() : 0)
                .Where(pid => pid != 0),
        ];

    /// <summary>Ends a resource's process as `kill -9` does, and waits until the host has noticed.</summary>
    public async Task KillAsync(string resource)
    {
        KillProcess(PidOf(resource));
        await Eventually.Async(
            () => !State.GetProperty("resources").GetProperty(resource).TryGetProperty("pid", out _),
            what: $"the host to notice that {resource} has ended"
        );
    }

    /// <summary>Ends every process at once, the host among them, as a power cut does. <see cref="StartAsync()"/> starts the house again.</summary>
    public void KillAll()
    {
        foreach (var pid in Pids)
        {
            KillProcess(pid);
        }
    }

    /// <summary>Starts a resource whose process has ended, and waits until it is healthy.</summary>
    public async Task RestartAsync(string resource)
    {
        using var http = new HttpClient();
        var page = State.GetProperty("page").GetString()!.TrimEnd('/');
        using var answer = await http.PostAsJsonAsync($"{page}/api/resources/{resource}/start", new { });
        answer.EnsureSuccessStatusCode();
        await Eventually.Async(() => Task.FromResult(IsHealthy(resource)), TimeSpan.FromSeconds(30));
    }

    /// <summary>Whether a resource runs and passes its checks.</summary>
    public bool IsHealthy(string resource) => State.GetProperty("resources").GetProperty(resource).GetProperty("healthy").GetBoolean();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_root, recursive: true);
    }

    private static void KillProcess(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
            process.WaitForExit();
        }
        catch (ArgumentException)
        {
            // It has ended already.
        }
    }

    private JsonElement State => ReadJson("run/state.json");

    private JsonElement ReadJson(string file) =>
        JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Path.Combine(DataPath, file)), Json);

    private static string FindRepository([CallerFilePath] string here = "")
    {
        var folder = Path.GetDirectoryName(here);
        while (folder is not null && !File.Exists(Path.Combine(folder, "Gallery.Aspire.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }
        return folder ?? throw new InvalidOperationException("Gallery.Aspire.sln was not found above the sources of the tests.");
    }
}
