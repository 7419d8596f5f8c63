using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Gallery.AppHost.Development;

/// <summary>
/// A Redis of our own: configuration and users are files in the data folder, so no password stands on a command line. What it
/// acknowledged is on disk.
/// </summary>
internal sealed class RedisServer
{
    /// <summary>Options of a client's connection string. The users below may touch neither the keys nor the channels that these turn off.</summary>
    public const string ClientOptions = "abortConnect=false,tiebreaker=,configChannel=";

    private const string HostUser = "apphost";
    private static readonly string[] Programs = ["redis-server", "valkey-server"];

    private RedisServer(string program, string folder, int port, string hostPassword)
    {
        Program = program;
        Folder = folder;
        Port = port;
        Ping = new RedisPing(port, HostUser, hostPassword);
    }

    /// <summary>`redis-server` or `valkey-server`, whichever is on the PATH.</summary>
    public string Program { get; }

    /// <summary>Where it keeps its data.</summary>
    public string Folder { get; }

    public int Port { get; }

    public string ConfigurationFile => Path.Combine(Folder, "redis.conf");

    /// <summary>Healthy when the server answers, which it does not while it is still reading its data.</summary>
    public IHealthCheck Ping { get; }

    public static RedisServer Prepare(GalleryHome home)
    {
        var program =
            Programs.FirstOrDefault(IsOnPath)
            ?? throw GalleryHome.Refuse(
                "There is no redis-server and no valkey-server on the PATH. ./start installs one; or name a server by ConnectionStrings__redis."
            );
        var server = new RedisServer(program, home.Folder("redis"), home.Port(0), home.Secrets[PasswordOf(HostUser)]);
        PrivateFile.Write(server.UsersFile, Users(home.Secrets));
        PrivateFile.Write(server.ConfigurationFile, server.Configuration(home.AppendFsync));
        return server;
    }

    private string UsersFile => Path.Combine(Folder, "users.acl");

    /// <summary>
    /// Each service has its own keys and the events of those it listens to, and may do nothing to the server itself. The password is
    /// kept as its hash.
    /// </summary>
    private static string Users(DevelopmentSecrets secrets)
    {
        const string commands = "+@all -@admin -@dangerous +info";
        return string.Join(
            '\n',
            [
                // Nobody signs in as `default`, yet it keeps its permissions: Redis 7.0 replays the append-only file in its name, and a
                // transaction that it may not carry out is dropped without stopping the load.
                "user default off resetpass ~* &* +@all",
                $"user {HostUser} on #{Hash(secrets[PasswordOf(HostUser)])} resetkeys resetchannels -@all +ping",
                $"user catalog on #{Hash(secrets[PasswordOf("catalog")])} ~cat:* ~rep:*:events &cat:* &rep:wake {commands}",
                $"user sharing on #{Hash(secrets[PasswordOf("sharing")])} ~shr:* &shr:* {commands}",
                $"user replication on #{Hash(secrets[PasswordOf("replication")])} ~rep:* ~cat:*:events &rep:* &cat:wake {commands}",
                $"user billing on #{Hash(secrets[PasswordOf("billing")])} ~bil:* ~rep:*:events ~cat:*:events &bil:* &rep:wake &cat:wake {commands}",
                "",
            ]
        );
    }

    private static string PasswordOf(string user) => $"redis-password-{user}";

    private string Configuration(string appendFsync) =>
        $"""
            # Written at every start.
            bind 127.0.0.1
            port {Port}
            daemonize no
            dir "{Folder}"
            aclfile "{UsersFile}"
            appendonly yes
            appendfsync {appendFsync}
            save ""
            maxmemory-policy noeviction
            """;

    private static string Hash(string password) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(password)));

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Signs in and says PING; there is no need of a client library for that.</summary>
    private sealed class RedisPing(int port, string user, string password) : IHealthCheck
    {
        private const string Answer = "+OK\r\n+PONG\r\n";

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            try
            {
                using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                timeout.CancelAfter(TimeSpan.FromSeconds(2));
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port, timeout.Token);
                await using var stream = client.GetStream();
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"AUTH {user} {password}\r\nPING\r\n"), timeout.Token);
                var answer = new byte[Answer.Length];
                var length = await stream.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, timeout.Token);
                var text = Encoding.ASCII.GetString(answer, 0, length);
                return text == Answer ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy($"It answers {text.Trim()}");
            }
            catch (Exception failure) when (failure is SocketException or IOException or OperationCanceledException)
            {
                return HealthCheckResult.Unhealthy($"It does not answer: {failure.Message}");
            }
        }
    }
}
