using System.Security.Cryptography;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults.Redis;
using Gallery.TestKit;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using ReplicationStatus = Gallery.Contracts.Replication.V1.ReplicationStatus;

namespace Gallery.Replication.Tests.Support;

/// <summary>Replication with all that it stands among: a real Redis, real tokens, and peers for Sharing, Catalog and the nodes of the regions.</summary>
internal sealed class House : IAsyncDisposable
{
    public const string Subscription = TestPrincipal.SubscriptionA;
    public const string Group = $"subscriptions/{Subscription}/resourceGroups/rg1";
    public const string Definition = $"{Group}/galleries/prod/images/ubuntu";
    public const string Digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    public const long Occupied = 1 << 20;

    /// <summary>The key that signs grants.</summary>
    public static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private static readonly string[] Regions = ["westus", "eastus", "northeurope"];

    private readonly List<ServiceHost<Program>> _hosts = [];
    private readonly Dictionary<string, ScriptedNode> _nodes = [];
    private readonly Dictionary<string, string> _settings;
    private TestIssuer? _issuer;
    private PeerServer? _peers;

    private House(Dictionary<string, string> settings) => _settings = settings;

    public RedisServer Redis { get; } = new();

    public ScriptedAccess Access { get; } = ScriptedAccess.LikeSeeded();

    public ScriptedCatalog Catalog { get; } = new();

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public ServiceHost<Program> Host => _hosts[0];

    public ScriptedNode this[string region] => _nodes[region];

    public ReplicationService.ReplicationServiceClient Replication => new(Host.ChannelAs(TestPrincipal.Owner));

    public SnapshotService.SnapshotServiceClient Snapshots => new(Host.ChannelAs(TestPrincipal.Owner));

    public PlacementService.PlacementServiceClient Placement => new(Host.ChannelAs(TestPrincipal.Owner));

    public ReplicaScalingService.ReplicaScalingServiceClient Scalings => new(Host.ChannelAs(TestPrincipal.Owner));

    public RegionService.RegionServiceClient RegionClient => new(Host.ChannelAs(TestPrincipal.Owner));

    public PeerServer Peers => _peers!;

    public static async Task<House> StartAsync(params (string Key, string Value)[] settings)
    {
        var house = new House(settings.ToDictionary(setting => setting.Key, setting => setting.Value));
        await house.Redis.InitializeAsync();
        await house.AdmitAsync();
        house._issuer = await TestIssuer.StartAsync();
        house._peers = await PeerServer.StartAsync(house.Access, house.Catalog);
        foreach (var region in Regions)
        {
            house._nodes.Add(region, await ScriptedNode.StartAsync(region));
        }

        await house.StartInstanceAsync();
        await house.UntilUpAsync();
        return house;
    }

    /// <summary>Starts an instance of the service, the first or a further one beside it.</summary>
    public async Task<ServiceHost<Program>> StartInstanceAsync(params (string Key, string Value)[] settings)
    {
        var host = await ServiceHost<Program>.StartAsync(builder =>
        {
            builder
                .WithRedis(Redis)
                .WithIssuer(_issuer!)
                .WithTime(Time)
                .WithPeer("sharing", Peers)
                .WithPeer("catalog", Peers)
                .WithSetting("ConnectionStrings:redis", $"{Redis.ConnectionString},user=replication,password=secret")
                .WithSetting("Redis:Partitions", "2")
                .WithSetting("Grants:PrivateKey", Convert.ToBase64String(Key.ExportPkcs8PrivateKey()))
                .WithSetting("RegionMonitor:Heartbeat", "00:00:00.2")
                .WithSetting("LinkMonitor:Interval", "00:00:00.2")
                .WithSetting("Reconcile:SweepInterval", "00:10:00")
                .WithSetting("Snapshots:SweepInterval", "00:00:00.2")
                .WithSetting("Placement:SweepInterval", "00:00:00.2")
                .WithSetting("Scaling:Interval", "00:00:00.2")
                .WithSetting("Work:PollInterval", "00:00:00.2")
                .WithSetting("Work:RetryJitter", "0")
                .WithSetting("Operators:0:TenantId", TestPrincipal.TenantA)
                .WithSetting("Operators:0:ObjectId", TestPrincipal.Pipeline.ObjectId);
            var index = 0;
            foreach (var node in _nodes.Values)
            {
                Region(
                    builder,
                    index++,
                    node.Region,
                    node.Region == "northeurope" ? "Europe" : "North America",
                    restricted: false,
                    node.Url
                );
            }

            Region(builder, index, "australiacentral", "Oceania", restricted: true, _nodes["westus"].Url);
            foreach (var (name, value) in _settings.Concat(settings.Select(setting => KeyValuePair.Create(setting.Key, setting.Value))))
            {
                builder.WithSetting(name, value);
            }
        });
        _hosts.Add(host);
        return host;
    }

    /// <summary>Starts Redis again on its data.</summary>
    public async Task RestartRedisAsync()
    {
        await Redis.RestartAsync();
        await AdmitAsync();
    }

    /// <summary>Ends an instance as a kill does not: it gives its work back.</summary>
    public async Task StopInstanceAsync(ServiceHost<Program> host)
    {
        _hosts.Remove(host);
        await host.DisposeAsync();
    }

    /// <summary>The name of a version.</summary>
    public static string VersionName(string id, string definition = Definition) => $"{definition}/versions/{id}";

    /// <summary>A version as Catalog knows it, made from a snapshot that is there.</summary>
    public async Task<ImageVersion> PublishAsync(string id, params (string Region, int Count)[] targets)
    {
        var version = await WantAsync(id, targets);
        await TellAsync(version, ChangeType.Created);
        return version;
    }

    /// <summary>The same without the event.</summary>
    public async Task<ImageVersion> WantAsync(string id, params (string Region, int Count)[] targets)
    {
        var snapshot = await SnapshotAsync("s-" + Guid.NewGuid().ToString("N"), targets[0].Region);
        var version = new ImageVersion
        {
            Name = VersionName(id),
            Uid = Guid.NewGuid().ToString("D"),
            Generation = 1,
            Location = targets[0].Region,
            ProvisioningState = ProvisioningState.Creating,
            StorageProfile = new StorageProfile
            {
                OsDiskImage = new OsDiskImage { Snapshot = snapshot.Name, Content = snapshot.Content },
            },
            PublishingProfile = new ImageVersionPublishingProfile
            {
                TargetRegions =
                {
                    targets.Select(target => new TargetRegion { Name = target.Region, RegionalReplicaCount = target.Count }),
                },
            },
        };
        Catalog.Put(version);
        return version;
    }

    /// <summary>Changes a version as Catalog does, and tells of it.</summary>
    public async Task<ImageVersion> ChangeAsync(string name, Action<ImageVersion> change, ChangeType type = ChangeType.Updated)
    {
        var version = Catalog.Change(name, change);
        await TellAsync(version, type);
        return version;
    }

    /// <summary>Wants other regions and counts.</summary>
    public Task<ImageVersion> RetargetAsync(string name, params (string Region, int Count)[] targets) =>
        ChangeAsync(
            name,
            version =>
            {
                version.PublishingProfile.TargetRegions.Clear();
                version.PublishingProfile.TargetRegions.AddRange(
                    targets.Select(target => new TargetRegion { Name = target.Region, RegionalReplicaCount = target.Count })
                );
            }
        );

    /// <summary>A committed snapshot.</summary>
    public async Task<Snapshot> SnapshotAsync(string id, string region, string digest = Digest)
    {
        _nodes[region].OnCommit = upload => ScriptedNode.Committed(upload, digest, 1L << 30, Occupied);
        await Snapshots.CreateSnapshotAsync(
            new CreateSnapshotRequest
            {
                Parent = Group,
                SnapshotId = id,
                Region = region,
                FileSizeBytes = 1L << 30,
            }
        );
        return (await Snapshots.CommitSnapshotAsync(new CommitSnapshotRequest { Name = $"{Group}/snapshots/{id}" })).Snapshot;
    }

    /// <summary>Appends an event to Catalog's stream.</summary>
    public async Task TellAsync(ImageVersion version, ChangeType change)
    {
        var told = new EventEnvelope
        {
            Id = Guid.NewGuid().ToString(),
            Source = "catalog",
            Subject = version.Name,
            SubscriptionId = Subscription,
            ImageVersionChanged = new ImageVersionChanged
            {
                Name = version.Name,
                Uid = version.Uid,
                Change = change,
                Generation = version.Generation,
            },
        };
        var partition = PartitionOf(Subscription).Of("cat:");
        await Redis.Database.StreamAddAsync(partition.Events, "p", told.ToByteArray());
        await Redis.Database.PublishAsync(StackExchange.Redis.RedisChannel.Literal("cat:wake"), $"{partition.Number}");
    }

    public async Task<ReplicationStatus> StatusAsync(string version) =>
        (await Replication.GetReplicationStatusAsync(new GetReplicationStatusRequest { Version = version })).Status;

    /// <summary>Waits until a version's status is as it should be.</summary>
    public Task<ReplicationStatus> UntilAsync(string version, Func<ReplicationStatus, bool> good, TimeSpan? timeout = null) =>
        Eventually.GetAsync(() => StatusAsync(version), good, timeout, $"the status of {version}");

    public Task<ReplicationStatus> UntilCompletedAsync(string version) =>
        UntilAsync(version, status => status.AggregatedState == AggregatedReplicationState.Completed);

    public async Task<IReadOnlyList<Replica>> ReplicasAsync(string version) =>
        [.. (await Replication.ListReplicasAsync(new ListReplicasRequest { Parent = version })).Replicas];

    /// <summary>The events that the service told about a subject so far, in order.</summary>
    public async Task<IReadOnlyList<EventEnvelope>> EventsAsync(string subject)
    {
        var events = new List<EventEnvelope>();
        foreach (var partition in Host.Services.GetRequiredService<RedisStore>().Partitions)
        {
            var entries = await Redis.Database.StreamRangeAsync(partition.Events);
            events.AddRange(
                entries.Select(entry => EventEnvelope.Parser.ParseFrom((byte[])entry["p"]!)).Where(told => told.Subject == subject)
            );
        }

        return events;
    }

    /// <summary>Waits until every region answers.</summary>
    public Task UntilUpAsync() =>
        Eventually.Async(
            async () =>
                (await RegionClient.ListRegionsAsync(new ListRegionsRequest()))
                    .Regions.Where(region => !region.Restricted)
                    .All(region => region.State == RegionState.Up),
            what: "the regions to be up"
        );

    /// <summary>Ends a region's node, and waits until it is known.</summary>
    public async Task TakeDownAsync(string region)
    {
        await _nodes[region].Server.StopAsync();
        await Eventually.Async(async () => await StateOfAsync(region) == RegionState.Down, what: $"{region} to be known to be down");
    }

    /// <summary>Starts a region's node again.</summary>
    public Task BringBackAsync(string region) => _nodes[region].Server.StartAgainAsync();

    public async Task<RegionState> StateOfAsync(string region) =>
        (await RegionClient.GetRegionAsync(new GetRegionRequest { Name = region })).Region.State;

    public Partition PartitionOf(string subscription) => Host.Services.GetRequiredService<RedisStore>().PartitionOf(subscription);

    /// <summary>Keys of the service that hold a word, whatever they hold.</summary>
    public IReadOnlyList<string> Keys(string word) => [.. Redis.Server.Keys(pattern: $"rep:*{word}*").Select(key => key.ToString())];

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        foreach (var node in _nodes.Values)
        {
            await node.DisposeAsync();
        }

        await Peers.DisposeAsync();
        await _issuer!.DisposeAsync();
        await ((IAsyncDisposable)Redis).DisposeAsync();
    }

    // The service may do what the suite lets it do, and no more.
    private Task AdmitAsync() =>
        Redis.Server.ExecuteAsync(
            "ACL",
            [
                "SETUSER",
                "replication",
                "on",
                ">secret",
                "~rep:*",
                "~cat:*:events",
                "&rep:*",
                "&cat:wake",
                "+@all",
                "-@admin",
                "-@dangerous",
                "+info",
            ]
        );

    private static void Region(ServiceHostBuilder builder, int index, string name, string continent, bool restricted, string url) =>
        builder
            .WithSetting($"Regions:{index}:Name", name)
            .WithSetting($"Regions:{index}:DisplayName", name == "eastus" ? "East US" : name)
            .WithSetting($"Regions:{index}:Zones", name == "westus" ? "1" : "3")
            .WithSetting($"Regions:{index}:Restricted", restricted ? "true" : "false")
            .WithSetting($"Regions:{index}:Continent", continent)
            .WithSetting($"Regions:{index}:GrpcUrl", url)
            .WithSetting($"Regions:{index}:HttpUrl", url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal))
            .WithSetting($"Resilience:region-{name}:BaseDelay", "00:00:00.02");
}

/// <summary>One house for the tests of a class, which keep apart by the names of their versions.</summary>
public sealed class SharedHouse : IAsyncLifetime
{
    private House? _house;

    internal House House => _house!;

    public async Task InitializeAsync() => _house = await House.StartAsync();

    public async Task DisposeAsync() => await House.DisposeAsync();
}
