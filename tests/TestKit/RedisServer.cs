using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using StackExchange.Redis;
using Xunit;

namespace Gallery.TestKit;

/// <summary>
/// A real Redis (or Valkey) on a port and in a folder of its own. One is enough for an assembly: tests keep apart by subscriptions.
/// </summary>
public sealed class RedisServer : IAsyncLifetime, IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(15);

    private readonly string _folder = Directory.CreateTempSubdirectory("gallery-redis-").FullName;
    private Process? _process;
    private ConnectionMultiplexer? _connection;

    /// <summary>The port.</summary>
    public int Port { get; } = FreePort.Next();

    /// <summary>How a service reaches it.</summary>
    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    /// <summary>For looking at what a service wrote.</summary>
    public IDatabase Database => _connection!.GetDatabase();

    /// <summary>For looking at the server itself.</summary>
    public IServer Server => _connection!.GetServer("127.0.0.1", Port);

    /// <summary>Whether it is a Redis Cluster (of one node): commands on keys of several slots are refused.</summary>
    public bool IsCluster { get; private init; }

    /// <summary>Starts a server that is not shared with other tests.</summary>
    /// <param name="cluster">Whether it is a Redis Cluster.</param>
    public static async Task<RedisServer> StartAsync(bool cluster = false)
    {
        var server = new RedisServer { IsCluster = cluster };
        await server.InitializeAsync();
        return server;
    }

    /// <inheritdoc />
    public async Task InitializeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        Start();
        _connection = await ConnectAsync();
        if (IsCluster)
        {
            await Server.ExecuteAsync("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
            await Eventually.Async(
                async () =>
                    (await Server.ExecuteAsync("CLUSTER", "INFO")).ToString().Contains("cluster_state:ok", StringComparison.Ordinal),
                StartLimit,
                "the cluster"
            );
            await _connection.ConfigureAsync();
        }
    }

    /// <summary>Removes all data.</summary>
    public Task FlushAsync() => Server.FlushAllDatabasesAsync();

    /// <summary>Kills the server as a power cut does. What was acknowledged is on the disk.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Starts the server again on the same port and data.</summary>
    public async Task RestartAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }

        Start();
        await Eventually.Async(IsReadyAsync, StartLimit, "Redis to come back");
    }

    /// <inheritdoc />
    public async Task DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }

        if (_process is not null)
        {
            await KillAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    ValueTask IAsyncDisposable.DisposeAsync() => new(DisposeAsync());

    private static string FindProgram()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return new[] { "redis-server", "valkey-server" }
                .SelectMany(name => folders.Select(folder => Path.Combine(folder, name)))
                .FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException(
                "Neither redis-server nor valkey-server is on the PATH: install one of them, for example with 'apt-get install redis-server'."
            );
    }

    private void Start()
    {
        string[] arguments =
        [
            "--port",
            Port.ToString(CultureInfo.InvariantCulture),
            "--bind",
            "127.0.0.1",
            "--dir",
            _folder,
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
            "--save",
            "",
            "--daemonize",
            "no",
            "--logfile",
            Path.Combine(_folder, "redis.log"),
            "--cluster-enabled",
            IsCluster ? "yes" : "no",
            "--cluster-port",
            (IsCluster ? FreePort.Next() : 0).ToString(CultureInfo.InvariantCulture),
        ];
        _process =
            Process.Start(new ProcessStartInfo(FindProgram(), arguments) { WorkingDirectory = _folder })
            ?? throw new InvalidOperationException("Redis did not start.");
    }

    private async Task<ConnectionMultiplexer> ConnectAsync()
    {
        await Eventually.Async(IsListeningAsync, StartLimit, "Redis to listen");
        var options = ConfigurationOptions.Parse(ConnectionString);
        options.AllowAdmin = true;
        options.ReconnectRetryPolicy = new LinearRetry(100);
        return await ConnectionMultiplexer.ConnectAsync(options);
    }

    private async Task<bool> IsListeningAsync()
    {
        if (_process!.HasExited)
        {
            throw new InvalidOperationException($"Redis did not start: {await File.ReadAllTextAsync(Path.Combine(_folder, "redis.log"))}");
        }

        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task<bool> IsReadyAsync()
    {
        try
        {
            await Database.PingAsync();
            return true;
        }
        catch (RedisException)
        {
            return false;
        }
    }

    private void OnProcessExit(object? sender, EventArgs arguments) => _process?.Kill();
}
