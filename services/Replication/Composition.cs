using Gallery.Replication.Audit;
using Gallery.Replication.Grants;
using Gallery.Replication.Links;
using Gallery.Replication.Placement;
using Gallery.Replication.Regions;
using Gallery.Replication.Scaling;
using Gallery.Replication.Snapshots;
using Gallery.Replication.Status;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;
using Gallery.ServiceDefaults;
using Gallery.ServiceDefaults.Clients;
using Microsoft.Extensions.Options;

namespace Gallery.Replication;

/// <summary>Puts the features together.</summary>
internal static class Composition
{
    /// <summary>The regions, and a way to the node of each.</summary>
    public static WebApplicationBuilder AddRegions(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<List<RegionOptions>>().BindConfiguration("Regions").ValidateOnStart();
        services.AddSingleton<IValidateOptions<List<RegionOptions>>, RegionsValidation>();
        services.AddOptions<List<OperatorOptions>>().BindConfiguration("Operators");
        services.AddOptions<RegionMonitorOptions>().BindConfiguration("RegionMonitor").ValidateDataAnnotations().ValidateOnStart();
        foreach (var region in builder.Configuration.GetSection("Regions").Get<List<RegionOptions>>() ?? [])
        {
            builder.AddNode(RegionNodes.NameOf(region.Name));
        }

        services.AddSingleton<RegionRegistry>().AddSingleton<RegionNodes>().AddSingleton<RegionHealthStore>().AddSingleton<RegionAccess>();
        services.AddSingleton<RegionGate>().AddSingleton<RegionFaults>().AddSingleton<RegionGauges>().AddHostedService<RegionMonitor>();
        services.AddOptions<LinkMonitorOptions>().BindConfiguration("LinkMonitor");
        services.AddSingleton<LinkStore>().AddHostedService<LinkMonitor>();
        return builder;
    }

    /// <summary>Snapshots, and the grants by which bytes move.</summary>
    public static WebApplicationBuilder AddSnapshots(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<GrantOptions>().BindConfiguration("Grants");
        services.AddOptions<SnapshotOptions>().BindConfiguration("Snapshots").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<GrantIssuer>().AddSingleton<SnapshotStore>().AddHostedService<UploadSweeper>();
        services
            .AddSingleton<ImportSecrets>()
            .AddSingleton<SnapshotCommitter>()
            .AddSingleton<SnapshotImporter>()
            .AddSingleton<ImportFollower>();
        services.AddHostedService<ImportWorker>();
        return builder;
    }

    /// <summary>What is wanted of versions, and the work that makes it so.</summary>
    public static WebApplicationBuilder AddReplication(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<ReconcileOptions>().BindConfiguration("Reconcile");
        services.AddOptions<WorkOptions>().BindConfiguration("Work").ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<AuditOptions>().BindConfiguration("Audit");
        services.AddHostedService<ReplicaAuditor>();
        services.AddOptions<RegionLinkOptions>().BindConfiguration("Links").ValidateOnStart();
        services.AddSingleton<IValidateOptions<RegionLinkOptions>, RegionLinksValidation>();
        services.AddOptions<WatchOptions>().BindConfiguration("Watch");
        services.AddSingleton<ChangeSignals>().AddHostedService(provider => provider.GetRequiredService<ChangeSignals>());
        services
            .AddSingleton<VersionStore>()
            .AddSingleton<VersionReconciler>()
            .AddSingleton<FreshVersions>()
            .AddSingleton<ReplicaWatcher>()
            .AddHostedService<VersionSweep>();
        services.AddSingleton<WorkQueue>().AddSingleton<SourcePlanner>().AddSingleton<BlockedWork>().AddSingleton<ReplicationTelemetry>();
        services
            .AddSingleton<CopyFaults>()
            .AddSingleton<ReplicaCopier>()
            .AddSingleton<ReplicaReleaser>()
            .AddHostedService<RegionWorkers>()
            .AddHostedService<ReplicationGauges>();
        return builder;
    }

    /// <summary>Leases on replicas.</summary>
    public static WebApplicationBuilder AddPlacement(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<PlacementOptions>().BindConfiguration("Placement").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<LatestResolver>().AddSingleton<ImageResolver>().AddSingleton<LeaseStore>().AddHostedService<LeaseSweep>();
        return builder;
    }

    /// <summary>Numbers of replicas that follow the leases.</summary>
    public static WebApplicationBuilder AddScaling(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ScalingOptions>().BindConfiguration("Scaling").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ReplicaScaler>().AddHostedService<ScalingSweep>();
        return builder;
    }

    private static void AddNode(this WebApplicationBuilder builder, string name)
    {
        builder
            .AddServiceTokenClient(name)
            .ConfigureHttpClient(client => client.Timeout = Timeout.InfiniteTimeSpan) // Streams last; each call has its own limit.
            .ConfigurePrimaryHttpMessageHandler(() =>
                new SocketsHttpHandler
                {
                    EnableMultipleHttp2Connections = true,
                    ConnectTimeout = TimeSpan.FromSeconds(2),
                    KeepAlivePingDelay = TimeSpan.FromSeconds(10),
                    KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
                    PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                }
            );
        builder.AddGalleryPipeline(
            name,
            options =>
            {
                // Quick retries bridge a hiccup; longer absences are the queue's, which other work does not wait behind.
                options.AttemptTimeout = TimeSpan.FromSeconds(10);
                options.MaxRetries = 2;
                options.BaseDelay = TimeSpan.FromMilliseconds(200);
                options.MaxDelay = TimeSpan.FromSeconds(1);
                options.MinimumThroughput = 10;
                options.SamplingDuration = TimeSpan.FromSeconds(10);
                options.BreakDuration = TimeSpan.FromSeconds(2);
                options.ShouldHandle = NodeErrors.IsSilence;
            }
        );
    }
}
