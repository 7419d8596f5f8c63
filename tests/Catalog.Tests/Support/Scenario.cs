using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Redis;
using Gallery.TestKit;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;
using OperatingSystem = Gallery.Contracts.Common.V1.OperatingSystem;
using V1 = Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.Tests.Support;

/// <summary>A subscription of its own, clients to act in it, and short ways to the usual resources.</summary>
public sealed class Scenario
{
    public const string SmallSubscription = "00000000-0000-0000-0000-00000000005a";

    private readonly CatalogFixture _fixture;

    public Scenario(CatalogFixture fixture, string? subscription = null, TestPrincipal? principal = null)
    {
        _fixture = fixture;
        Subscription = subscription ?? Guid.NewGuid().ToString();
        Channel = fixture.Host.ChannelAs(principal ?? TestPrincipal.Owner).Intercept(new Bounded.DeadlineInterceptor());
        Galleries = new GalleryService.GalleryServiceClient(Channel);
        Definitions = new ImageDefinitionService.ImageDefinitionServiceClient(Channel);
        Versions = new ImageVersionService.ImageVersionServiceClient(Channel);
        Log = new ActivityLogService.ActivityLogServiceClient(Channel);
        Quotas = new QuotaService.QuotaServiceClient(Channel);
    }

    public string Subscription { get; }

    public string Group => $"subscriptions/{Subscription}/resourceGroups/rg1";

    public CallInvoker Channel { get; }

    public GalleryService.GalleryServiceClient Galleries { get; }

    public ImageDefinitionService.ImageDefinitionServiceClient Definitions { get; }

    public ImageVersionService.ImageVersionServiceClient Versions { get; }

    public ActivityLogService.ActivityLogServiceClient Log { get; }

    public QuotaService.QuotaServiceClient Quotas { get; }

    public DateTimeOffset Now => _fixture.Host.Time.GetUtcNow();

    public Scenario As(TestPrincipal principal) => new(_fixture, Subscription, principal);

    public Timestamp In(TimeSpan time) => Timestamp.FromDateTimeOffset(Now + time);

    public CreateGalleryRequest NewGallery(string id = "prod", Action<V1.Gallery>? change = null)
    {
        var gallery = new V1.Gallery { Location = "westus" };
        change?.Invoke(gallery);
        return new CreateGalleryRequest
        {
            Parent = Group,
            GalleryId = id,
            Gallery = gallery,
        };
    }

    public static CreateImageDefinitionRequest NewDefinition(string parent, string id = "ubuntu", Action<ImageDefinition>? change = null)
    {
        var definition = new ImageDefinition
        {
            Location = "westus",
            OsType = OperatingSystem.Linux,
            OsState = OperatingSystemState.Generalized,
            Identifier = new ImageIdentifier
            {
                Publisher = "contoso",
                Offer = "server",
                Sku = id,
            },
        };
        change?.Invoke(definition);
        return new CreateImageDefinitionRequest
        {
            Parent = parent,
            ImageDefinitionId = id,
            ImageDefinition = definition,
        };
    }

    public CreateImageVersionRequest NewVersion(string parent, string id = "1.0.0", Action<ImageVersion>? change = null)
    {
        var version = new ImageVersion
        {
            Location = "westus",
            StorageProfile = new StorageProfile { OsDiskImage = new OsDiskImage { Snapshot = Snapshot() } },
        };
        change?.Invoke(version);
        return new CreateImageVersionRequest
        {
            Parent = parent,
            ImageVersionId = id,
            ImageVersion = version,
        };
    }

    public string Snapshot(string? name = null, Action<Contracts.Replication.V1.Snapshot>? change = null) =>
        _fixture.Snapshots.Add(Subscription, name ?? $"s{Guid.NewGuid():N}", change);

    public async Task<V1.Gallery> CreateGalleryAsync(string id = "prod", Action<V1.Gallery>? change = null) =>
        (await Galleries.CreateGalleryAsync(NewGallery(id, change))).Gallery;

    public async Task<ImageDefinition> CreateDefinitionAsync(
        string? parent = null,
        string id = "ubuntu",
        Action<ImageDefinition>? change = null
    )
    {
        parent ??= (await CreateGalleryAsync()).Name;
        return (await Definitions.CreateImageDefinitionAsync(NewDefinition(parent, id, change))).ImageDefinition;
    }

    public async Task<ImageVersion> CreateVersionAsync(string? parent = null, string id = "1.0.0", Action<ImageVersion>? change = null)
    {
        parent ??= (await CreateDefinitionAsync()).Name;
        return (await Versions.CreateImageVersionAsync(NewVersion(parent, id, change))).ImageVersion;
    }

    /// <summary>A version that Replication has brought to all its regions.</summary>
    public async Task<ImageVersion> CreateReadyVersionAsync(string? parent = null, string id = "1.0.0", Action<ImageVersion>? change = null)
    {
        var version = await CreateVersionAsync(parent, id, change);
        await TellAsync(version, AggregatedReplicationState.Completed);
        return await SettledAsync(version.Name, ProvisioningState.Succeeded);
    }

    public async Task<ImageVersion> GetVersionAsync(string name) =>
        (await Versions.GetImageVersionAsync(new GetImageVersionRequest { Name = name })).ImageVersion;

    public Task<ImageVersion> SettledAsync(string name, ProvisioningState state) =>
        Eventually.GetAsync(() => GetVersionAsync(name), version => version.ProvisioningState == state, what: $"{name} to be {state}");

    /// <summary>Tells, as Replication does, how far a version is.</summary>
    public Task TellAsync(ImageVersion version, AggregatedReplicationState state, Action<ReplicationStatusChanged>? change = null)
    {
        var told = new ReplicationStatusChanged
        {
            Version = version.Name,
            VersionUid = version.Uid,
            Generation = version.Generation,
            AggregatedState = state,
        };
        told.Summary.AddRange(
            version.PublishingProfile.TargetRegions.Select(target => new RegionalReplicationStatus
            {
                Region = target.Name,
                State = (RegionalReplicationState)state,
                Progress = state == AggregatedReplicationState.Completed ? 100 : 40,
                TargetReplicaCount = target.RegionalReplicaCount,
                ReadyReplicaCount = state == AggregatedReplicationState.Completed ? target.RegionalReplicaCount : 0,
                Details = state == AggregatedReplicationState.Failed ? "The disk is broken." : "",
            })
        );
        change?.Invoke(told);
        return EmitAsync(new EventEnvelope { Subject = version.Name, ReplicationStatusChanged = told });
    }

    public Task RetireAsync(ImageVersion version) =>
        EmitAsync(
            new EventEnvelope
            {
                Subject = version.Name,
                VersionRetired = new VersionRetired { Version = version.Name, VersionUid = version.Uid },
            }
        );

    /// <summary>Puts an event into Replication's stream.</summary>
    public async Task EmitAsync(EventEnvelope envelope)
    {
        envelope.Id = envelope.Id.Length == 0 ? Guid.NewGuid().ToString() : envelope.Id;
        envelope.Source = "replication";
        envelope.SubscriptionId = Subscription;
        envelope.Time = Timestamp.FromDateTimeOffset(Now);
        var partition = Partition.Of("rep:");
        await _fixture.Redis.Database.StreamAddAsync(partition.Events, "p", envelope.ToByteArray());
        await _fixture.Redis.Database.PublishAsync(RedisChannel.Literal("rep:wake"), partition.Number);
    }

    /// <summary>Returns when everything told so far has been handled.</summary>
    public async Task HandledAsync()
    {
        var stream = Partition.Of("rep:").Events;
        await Eventually.Async(
            async () =>
            {
                var group = (await _fixture.Redis.Database.StreamGroupInfoAsync(stream)).FirstOrDefault(info => info.Name == "catalog");
                var last = (await _fixture.Redis.Database.StreamRangeAsync(stream, count: 1, messageOrder: Order.Descending)).Single().Id;
                return group.PendingMessageCount == 0 && group.LastDeliveredId == last.ToString();
            },
            what: "the events to be handled"
        );
    }

    /// <summary>The events that Catalog told of this subscription.</summary>
    public async Task<IReadOnlyList<EventEnvelope>> EventsAsync() =>
        [
            .. (await _fixture.Redis.Database.StreamRangeAsync(Partition.Events))
                .Select(entry => EventEnvelope.Parser.ParseFrom((byte[])entry["p"]!))
                .Where(envelope => envelope.SubscriptionId == Subscription),
        ];

    /// <summary>Keys of this subscription, but for its activity log and the memory of requests.</summary>
    public IReadOnlyList<string> Keys() =>
        [
            .. _fixture
                .Redis.Server.Keys(pattern: $"cat:*{Subscription}*")
                .Select(key => key.ToString())
                .Where(key => !key.Contains(":activity:", StringComparison.Ordinal) && !key.Contains(":req:", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
        ];

    public async Task<long> UsageAsync(UsageMetric metric, string location = "westus")
    {
        var usages = await Quotas.ListUsagesAsync(new ListUsagesRequest { Parent = $"subscriptions/{Subscription}", Location = location });
        return usages.Usages.Single(usage => usage.Metric == metric).CurrentValue;
    }

    public async Task<IReadOnlyList<ActivityLogEntry>> ActivityAsync(string? parent = null) =>
        [
            .. (
                await Log.ListActivityLogEntriesAsync(
                    new ListActivityLogEntriesRequest { Parent = parent ?? $"subscriptions/{Subscription}" }
                )
            ).Entries,
        ];

    private Partition Partition => _fixture.Host.Services.GetRequiredService<RedisStore>().PartitionOf(Subscription);
}
