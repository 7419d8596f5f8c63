using Gallery.ServiceDefaults.Redis;
using Gallery.ServiceDefaults.Tests.Probe;
using Gallery.TestKit;

namespace Gallery.ServiceDefaults.Tests;

/// <summary>One Redis and one probe service for all tests that need nothing special of them.</summary>
public sealed class ProbeHost : IAsyncLifetime
{
    public RedisServer Redis { get; } = new();

    public ServiceHost<Program> Host { get; private set; } = null!;

    public RedisStore Store => Host.Services.GetRequiredService<RedisStore>();

    public ProbeScript Script => Host.Services.GetRequiredService<ProbeScript>();

    public async Task InitializeAsync()
    {
        await Redis.InitializeAsync();
        Host = await ServiceHost<Program>.StartAsync(o => o.WithRedis(Redis));
    }

    public async Task DisposeAsync()
    {
        await Host.DisposeAsync();
        await Redis.DisposeAsync();
    }

    /// <summary>The probe, called by a principal; it does what the script says.</summary>
    public ProbeService.ProbeServiceClient Client(
        Func<ProbeRequest, Grpc.Core.ServerCallContext, Task<string>>? script = null,
        TestPrincipal? caller = null
    )
    {
        Script.Call = script ?? ((request, _) => Task.FromResult(request.Text));
        return new ProbeService.ProbeServiceClient(Host.ChannelAs(caller ?? TestPrincipal.Owner));
    }
}

[CollectionDefinition("probe")]
public sealed class ProbeCollection : ICollectionFixture<ProbeHost>;
