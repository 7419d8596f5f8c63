using Gallery.Contracts.Common.V1;
using Gallery.TestKit;

namespace Gallery.Catalog.Tests.Support;

/// <summary>One Catalog with a real Redis and scripted peers, for all tests: they keep apart by subscriptions.</summary>
public sealed class CatalogFixture : IAsyncLifetime
{
    private PeerServer _sharing = null!;

    public RedisServer Redis { get; } = new();

    public ScriptedAccess Access { get; } = new() { Decide = AsSeeded };

    public ScriptedRegions Regions { get; } = new();

    public ScriptedSnapshots Snapshots { get; } = new();

    public PeerServer Replication { get; private set; } = null!;

    public ServiceHost<Program> Host { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await Redis.InitializeAsync();
        _sharing = await PeerServer.StartAsync(Access);
        Replication = await PeerServer.StartAsync(Regions, Snapshots);
        Host = await StartHostAsync();
    }

    /// <summary>One more process of Catalog.</summary>
    public Task<ServiceHost<Program>> StartHostAsync() =>
        ServiceHost<Program>.StartAsync(options =>
            options
                .WithRedis(Redis)
                .WithPeer("sharing", _sharing)
                .WithPeer("replication", Replication)
                .WithSetting("Redis:Partitions", "2")
                .WithSetting($"Limits:Subscriptions:{Scenario.SmallSubscription}:Galleries", "3")
                .WithSetting($"Limits:Subscriptions:{Scenario.SmallSubscription}:ImageDefinitions", "3")
                .WithSetting($"Limits:Subscriptions:{Scenario.SmallSubscription}:ImageVersions", "3")
                .WithSetting("Events:PollInterval", "00:00:00.2")
        );

    public async Task DisposeAsync()
    {
        await Host.DisposeAsync();
        await Replication.DisposeAsync();
        await _sharing.DisposeAsync();
        await Redis.DisposeAsync();
    }

    // As the seeded roles say, in every subscription but B, which is other-owner's.
    private static bool AsSeeded(Principal principal, string action, string resource)
    {
        var inB = resource.StartsWith($"subscriptions/{TestPrincipal.SubscriptionB}", StringComparison.OrdinalIgnoreCase);
        return principal.ObjectId switch
        {
            var id when id == TestPrincipal.OtherOwner.ObjectId => inB,
            var id when id == TestPrincipal.Reader.ObjectId => !inB && action.EndsWith("/read", StringComparison.Ordinal),
            var id
                when id == TestPrincipal.Owner.ObjectId
                    || id == TestPrincipal.Contributor.ObjectId
                    || id == TestPrincipal.Pipeline.ObjectId => !inB,
            _ => false,
        };
    }
}

[CollectionDefinition(Name)]
public sealed class CatalogCollection : ICollectionFixture<CatalogFixture>
{
    public const string Name = "catalog";
}
