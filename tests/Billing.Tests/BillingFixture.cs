using System.Globalization;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Redis;
using Gallery.TestKit;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Gallery.Billing.Tests;

/// <summary>Billing on a real Redis, with its peers; Replication's events come through its real stream.</summary>
public sealed class BillingFixture : IAsyncLifetime
{
    public const long Gb = 1L << 30;

    private PeerServer? _replication;
    private PeerServer? _catalog;
    private PeerServer? _sharing;
    private ServiceHost<Program>? _host;

    public RedisServer Redis { get; } = new();

    internal ServiceHost<Program> Host => _host!;

    internal ScriptedVersions Catalog { get; } = new();

    internal ScriptedAccess Access { get; } =
        new()
        {
            // As the seeded roles decide, for any subscription but B: every test has one of its own.
            Decide = (principal, action, resource) =>
                principal.ObjectId switch
                {
                    var id when id == TestPrincipal.OtherOwner.ObjectId => resource.StartsWith(
                        $"subscriptions/{TestPrincipal.SubscriptionB}",
                        StringComparison.Ordinal
                    ),
                    _ => !resource.StartsWith($"subscriptions/{TestPrincipal.SubscriptionB}", StringComparison.Ordinal)
                        && action.EndsWith("/read", StringComparison.Ordinal),
                },
        };

    public async Task InitializeAsync()
    {
        await Redis.InitializeAsync();
        _replication = await PeerServer.StartAsync(new ScriptedRegions());
        _catalog = await PeerServer.StartAsync(Catalog);
        _sharing = await PeerServer.StartAsync(Access);
        _host = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await Host.DisposeAsync();
        await _sharing!.DisposeAsync();
        await _catalog!.DisposeAsync();
        await _replication!.DisposeAsync();
        await Redis.DisposeAsync();
    }

    /// <summary>Starts a further instance.</summary>
    internal Task<ServiceHost<Program>> StartAsync(Action<ServiceHostBuilder>? configure = null) =>
        ServiceHost<Program>.StartAsync(builder =>
        {
            builder
                .WithRedis(Redis)
                .WithPeer("replication", _replication!)
                .WithPeer("catalog", _catalog!)
                .WithPeer("sharing", _sharing!)
                .WithSetting("Events:PollInterval", "00:00:00.100")
                .WithSetting("Events:RetryBaseDelay", "00:00:00.010")
                .WithSetting("Events:RetryMaxDelay", "00:00:00.010");
            configure?.Invoke(builder);
        });

    internal StatementService.StatementServiceClient Statements(TestPrincipal? principal = null) =>
        new(Host.ChannelAs(principal ?? TestPrincipal.Reader));

    internal EstimateService.EstimateServiceClient Estimates(TestPrincipal? principal = null) =>
        new(Host.ChannelAs(principal ?? TestPrincipal.Reader));

    internal UsageService.UsageServiceClient Usage(TestPrincipal? principal = null) =>
        new(Host.ChannelAs(principal ?? TestPrincipal.Reader));

    /// <summary>A subscription that no other test has.</summary>
    public static string NewSubscription() => Guid.NewGuid().ToString();

    public static string VersionOf(string subscription, string version = "1.0.0") =>
        $"subscriptions/{subscription}/resourceGroups/rg1/galleries/prod/images/ubuntu/versions/{version}";

    /// <summary>Tells an event as Replication does: through its stream.</summary>
    internal async Task TellAsync(ReplicaChanged change)
    {
        var subscription = change.Version.Split('/') is [_, var id, ..] ? id : Guid.Empty.ToString();
        var partition = Host.Services.GetRequiredService<RedisStore>().PartitionOf(subscription).Of("rep:");
        var envelope = new EventEnvelope
        {
            Id = Guid.NewGuid().ToString(),
            Source = "replication",
            Subject = change.Name,
            SubscriptionId = subscription,
            Time = change.Time ?? Timestamp.FromDateTimeOffset(Host.Time.GetUtcNow()),
            ReplicaChanged = change,
        };
        await Redis.Database.StreamAddAsync(partition.Events, "p", envelope.ToByteArray());
        await Redis.Database.PublishAsync(RedisChannel.Literal("rep:wake"), partition.Number);
    }

    /// <summary>
    /// Tells of a version in some regions, the first of which is its home: the first replica of every other region comes from there. Answers the
    /// READY events.
    /// </summary>
    internal async Task<List<ReplicaChanged>> PublishAsync(
        string version,
        long bytes,
        DateTimeOffset time,
        IEnumerable<(string Region, int Replicas)> regions,
        StorageAccountType type = StorageAccountType.StandardLrs
    )
    {
        var events = new List<ReplicaChanged>();
        var home = regions.First().Region;
        foreach (var (region, replicas) in regions)
        {
            for (var ordinal = 0; ordinal < replicas; ordinal++)
            {
                var first = ordinal == 0 && region != home;
                var change = new ReplicaChanged
                {
                    Name = string.Create(CultureInfo.InvariantCulture, $"{version}/replicas/{region}-{ordinal}"),
                    Uid = Guid.NewGuid().ToString(),
                    Version = version,
                    VersionUid = "v",
                    Region = region,
                    Ordinal = ordinal,
                    StorageAccountType = type,
                    State = ReplicaState.Ready,
                    OccupiedSizeBytes = bytes,
                    SourceRegion = first ? home : region,
                    TransferredBytes = first ? bytes / 2 : 0, // Less crosses than is billed, when the region has some blocks.
                    FirstInRegion = first,
                    Time = Timestamp.FromDateTimeOffset(time),
                };
                events.Add(change);
                await TellAsync(change);
            }
        }

        return events;
    }

    internal static ReplicaChanged Gone(ReplicaChanged ready, DateTimeOffset time)
    {
        var gone = ready.Clone();
        gone.State = ReplicaState.Deleting;
        gone.Time = Timestamp.FromDateTimeOffset(time);
        return gone;
    }

    /// <summary>Waits until so many replicas of a subscription are recorded.</summary>
    internal async Task<IReadOnlyList<UsageInterval>> RecordedAsync(string subscription, int count) =>
        await Eventually.GetAsync(
            async () =>
                (
                    await Usage()
                        .ListUsageIntervalsAsync(
                            new ListUsageIntervalsRequest { Parent = $"subscriptions/{subscription}", PageSize = 1000 }
                        )
                ).UsageIntervals.ToList(),
            found => found.Count == count,
            what: $"{count} usage intervals"
        );

    internal async Task<Statement> StatementAsync(
        string subscription,
        string month,
        StatementGrouping grouping = StatementGrouping.Unspecified
    ) =>
        (
            await Statements()
                .GetStatementAsync(
                    new GetStatementRequest { Name = $"subscriptions/{subscription}/statements/{month}", GroupBy = grouping }
                )
        ).Statement;

    /// <summary>Money as a decimal number.</summary>
    internal static decimal Of(Money money)
    {
        Assert.Equal("USD", money.CurrencyCode);
        return money.Units + (money.Nanos / 1_000_000_000m);
    }
}

[CollectionDefinition("billing")]
public sealed class BillingCollection : ICollectionFixture<BillingFixture>;
