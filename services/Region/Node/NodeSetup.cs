using Gallery.Region.Blocks;
using Gallery.Region.Content;
using Gallery.Region.Formats;
using Gallery.Region.Imports;
using Gallery.Region.Links;
using Gallery.Region.Replicas;
using Gallery.Region.Scrub;
using Gallery.Region.Serving;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Objects;
using Gallery.Region.Uploads;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Node;

/// <summary>Puts the parts of a node together.</summary>
internal static class NodeSetup
{
    private const int ConnectionWindow = 8 * 1024 * 1024;
    private const int StreamWindow = 4 * 1024 * 1024;

    /// <summary>Adds the engine and what serves it.</summary>
    public static void AddRegionNode(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<RegionOptions>().BindConfiguration("Region").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<DamageQueue>();
        services.AddSingleton(OpenStores);
        services.AddSingleton<BlockMender>();
        services.AddSingleton<ZoneHealer>();
        services.AddSingleton<ReplicaRecords>();
        services.AddSingleton<ReplicaHealth>();
        services.AddSingleton(provider => new DiskSizeRules(provider.GetRequiredService<IOptions<RegionOptions>>().Value.MaxDiskBytes));
        services.AddSingleton(_ => new BlockBatchPool());
        services.AddSingleton<IMemoryPoolFactory<byte>, TransferMemory>();
        services.AddSingleton<NodeClock>();
        services.AddSingleton<RegionTelemetry>();
        services.AddSingleton<HeldContents>();
        services.AddSingleton<TransferLimiter>();
        services.AddSingleton<LinkMeters>();
        services.AddSingleton<RemoteNodes>();
        services.AddSingleton<PeerProbe>();
        services.AddSingleton<SourceOpener>();
        services.AddOptions<ImportOptions>().BindConfiguration("Imports").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<UploadRegistry>();
        services.AddSingleton<UploadManager>();
        services.AddSingleton<HostRules>();
        services.AddSingleton<GuardedHttp>();
        services.AddSingleton<ImportRecords>();
        services.AddSingleton<ImportManager>();
        services.AddSingleton<ReplicaRegistry>();
        services.AddSingleton<PullRoom>();
        services.AddSingleton<PullJournal>();
        services.AddSingleton<ReplicaManager>();
        services.AddSingleton<StoreLoader>();
        services.AddSingleton<StoreCollector>();
        services.AddSingleton<ReplicaLimits>();
        services.AddSingleton<BlockCache>();
        services.AddSingleton<DiskReaders>();
        services.AddSingleton<DiskStreamer>();
        services.AddSingleton<DiskSender>();
        services.AddSingleton<BlocksSender>();
        services.AddSingleton<UploadBlocksReceiver>();
        services.AddHostedService<NodeStart>();
        services.AddHostedService(provider => provider.GetRequiredService<StoreCollector>());
        services.AddHostedService<StoreCompactor>();
        services.AddHostedService<ZoneWatch>();
        services.AddHostedService<DamageWorker>();
        services.AddHostedService<Scrubber>();
        services.AddHostedService<MemoryTrimmer>();
        services.AddGrpc(options =>
        {
            options.Interceptors.Add<RegionErrorInterceptor>();
            options.Interceptors.Add<UploadsReadInterceptor>();
        });
        services
            .AddOptions<SocketTransportOptions>()
            .Configure<IOptions<RegionOptions>>((transport, region) => transport.MaxWriteBufferSize = region.Value.SendBufferBytes);
        services.Configure<KestrelServerOptions>(options =>
        {
            // Disks come and go here: windows that hold some messages keep both ends busy.
            options.Limits.Http2.InitialConnectionWindowSize = ConnectionWindow;
            options.Limits.Http2.InitialStreamWindowSize = StreamWindow;
            // A hypervisor reads when its machine does, and a pull waits for its share of the line: a pause is no fault.
            options.Limits.MinResponseDataRate = null;
        });
    }

    private static StoreSet OpenStores(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptions<RegionOptions>>().Value;
        var (telemetry, damage) = (provider.GetRequiredService<RegionTelemetry>(), provider.GetRequiredService<DamageQueue>());
        var capacity = new CapacityBudget(options.CapacityBytes);
        return StoreSet.Open(
            options.DataPath,
            options.Zones,
            capacity,
            options.SegmentBytes,
            (store, block, failure) =>
            {
                telemetry.BadBlock(store, failure);
                damage.Report(store, block.Digest);
            },
            ObjectZones.From(options, capacity)
        );
    }
}

/// <summary>Reads back what the node had when it stopped, before it answers anybody.</summary>
internal sealed class NodeStart(StoreLoader loader, NodeClock clock) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = clock.StartTime;
        return loader.LoadAllAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
