using Gallery.Contracts.Region.V1;
using Gallery.Replication.Grants;
using Gallery.Replication.Links;
using Gallery.Replication.Regions;
using Gallery.Replication.Snapshots;
using Microsoft.Extensions.Options;

namespace Gallery.Replication.Work;

/// <summary>Finds out where a replica's bytes can come from, and makes the request to its node.</summary>
internal sealed class SourcePlanner(
    SnapshotStore snapshots,
    RegionRegistry regions,
    RegionHealthStore health,
    LinkStore links,
    GrantIssuer grants,
    IOptions<RegionLinkOptions> limits
)
{
    /// <summary>The places, or why there is none.</summary>
    public async Task<SourceChoice> ChooseAsync(ClaimedReplica work, CancellationToken cancellationToken)
    {
        var uploads = await snapshots.FindUploadsAsync(work.Document.Version.HomeRegion, work.Document.Version.Disks, cancellationToken);
        var states = await health.ReadAllAsync(cancellationToken);
        var known = await links.EstimateAsync(work.Replica.Region, cancellationToken);
        return SourceRules.Choose(work.Document, work.Replica, uploads, regions, states, known) with { Links = known };
    }

    /// <summary>What the node is asked.</summary>
    public PullReplicaRequest RequestOf(ClaimedReplica work, SourceChoice choice)
    {
        var region = work.Replica.Region;
        var request = new PullReplicaRequest
        {
            ReplicaId = work.Uid,
            FencingToken = work.Token,
            TransferredBytes = work.Replica.TransferredBytes,
            Store = new ReplicaStore { StorageAccountType = work.Replica.StorageAccountType, Ordinal = work.Replica.Ordinal },
        };
        request.Disks.AddRange(work.Document.Version.Disks.Select(disk => new ReplicaDisk { Slot = disk.Slot, Content = disk.Content }));
        request.Sources.AddRange(choice.Siblings.Select(sibling => new PullSource { Region = region, LocalReplicaId = sibling }));
        request.Sources.AddRange(choice.Uploads.Select(upload => new PullSource { Region = region, LocalUploadId = upload }));
        request.Sources.AddRange(
            choice.Regions.Select(source => new PullSource { Region = source, Remote = RemoteOf(source, region, work, choice) })
        );
        return request;
    }

    private RemoteNode RemoteOf(string source, string target, ClaimedReplica work, SourceChoice choice)
    {
        regions.TryGet(source, out var options);
        var remote = new RemoteNode
        {
            GrpcUrl = options!.GrpcUrl,
            HttpUrl = options.HttpUrl,
            MaxBytesPerSecond = limits.Value.LimitOf(source, target),
            LinkBytesPerSecond = choice.Links.TryGetValue(source, out var link) ? link.BytesPerSecond : 0,
        };
        remote.Grants.AddRange(work.Document.Version.Disks.Select(disk => grants.Pull(source, disk.Content.Digest).Token));
        return remote;
    }
}
