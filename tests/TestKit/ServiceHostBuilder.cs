using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Gallery.TestKit;

/// <summary>What the service under test is given.</summary>
public sealed class ServiceHostBuilder
{
    internal Dictionary<string, string> Settings { get; } = new(StringComparer.OrdinalIgnoreCase);

    internal List<Action<IServiceCollection>> ServiceChanges { get; } = [];

    internal TestIssuer? Issuer { get; private set; }

    internal FakeTimeProvider Time { get; private set; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    internal bool UseSystemTime { get; private set; }

    /// <summary>Gives it a Redis.</summary>
    public ServiceHostBuilder WithRedis(RedisServer redis) => WithSetting("ConnectionStrings:redis", redis.ConnectionString);

    /// <summary>Lets it find another service.</summary>
    public ServiceHostBuilder WithPeer(string service, PeerServer peer) => WithSetting($"services:{service}:grpc:0", peer.Url);

    /// <summary>Lets it find another service at a URL, where nobody need listen.</summary>
    public ServiceHostBuilder WithPeer(string service, string url) => WithSetting($"services:{service}:grpc:0", url);

    /// <summary>Sets a configuration value, whatever the service's own files say.</summary>
    public ServiceHostBuilder WithSetting(string key, string value)
    {
        Settings[key] = value;
        return this;
    }

    /// <summary>Changes what is registered, after the service has registered its own.</summary>
    public ServiceHostBuilder WithServices(Action<IServiceCollection> change)
    {
        ServiceChanges.Add(change);
        return this;
    }

    /// <summary>Shares an issuer with other hosts. Without it the host has one of its own.</summary>
    public ServiceHostBuilder WithIssuer(TestIssuer issuer)
    {
        Issuer = issuer;
        return this;
    }

    /// <summary>Shares a clock with other hosts, or starts it at another time.</summary>
    public ServiceHostBuilder WithTime(FakeTimeProvider time)
    {
        Time = time;
        return this;
    }

    /// <summary>Leaves the service on the system's clock.</summary>
    public ServiceHostBuilder WithSystemTime()
    {
        UseSystemTime = true;
        return this;
    }
}
