using Gallery.Cli.Login;
using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Contracts.Sharing.V1;
using Grpc.Core;

namespace Gallery.Cli.Endpoints;

/// <summary>Clients of the services, each connected when it is used first.</summary>
internal sealed class Services(ServiceEndpoints endpoints, Channels channels, SignedIn signedIn)
{
    private readonly Lazy<CallInvoker> catalog = new(() => channels.ToService("catalog", endpoints.Catalog, signedIn.TokenAsync));
    private readonly Lazy<CallInvoker> sharing = new(() => channels.ToService("sharing", endpoints.Sharing, signedIn.TokenAsync));
    private readonly Lazy<CallInvoker> replication = new(() =>
        channels.ToService("replication", endpoints.Replication, signedIn.TokenAsync)
    );
    private readonly Lazy<CallInvoker> billing = new(() => channels.ToService("billing", endpoints.Billing, signedIn.TokenAsync));

    /// <summary>Catalog's galleries.</summary>
    public GalleryService.GalleryServiceClient Galleries => new(catalog.Value);

    /// <summary>Catalog's definitions.</summary>
    public ImageDefinitionService.ImageDefinitionServiceClient Definitions => new(catalog.Value);

    /// <summary>Catalog's versions.</summary>
    public ImageVersionService.ImageVersionServiceClient Versions => new(catalog.Value);

    /// <summary>Catalog's activity log.</summary>
    public ActivityLogService.ActivityLogServiceClient Activity => new(catalog.Value);

    /// <summary>Sharing's subscriptions.</summary>
    public SubscriptionService.SubscriptionServiceClient Subscriptions => new(sharing.Value);

    /// <summary>Replication's regions.</summary>
    public RegionService.RegionServiceClient Regions => new(replication.Value);

    /// <summary>Replication's snapshots.</summary>
    public SnapshotService.SnapshotServiceClient Snapshots => new(replication.Value);

    /// <summary>Replication's states.</summary>
    public ReplicationService.ReplicationServiceClient Replication => new(replication.Value);

    /// <summary>Replication's placement.</summary>
    public PlacementService.PlacementServiceClient Placement => new(replication.Value);

    /// <summary>Replication's numbers of replicas that follow the load.</summary>
    public ReplicaScalingService.ReplicaScalingServiceClient Scalings => new(replication.Value);

    /// <summary>Billing's estimates.</summary>
    public EstimateService.EstimateServiceClient Estimates => new(billing.Value);

    /// <summary>Billing's statements.</summary>
    public StatementService.StatementServiceClient Statements => new(billing.Value);
}
