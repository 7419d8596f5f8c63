using Gallery.Region.Blocks;
using Gallery.Region.Content;
using Gallery.Region.Stores;
using Gallery.Region.Transfers;
using Gallery.Region.Uploads;

namespace Gallery.Region.Replicas;

/// <summary>Turns the sources of an order into places that bytes can be taken from.</summary>
internal sealed class SourceOpener(UploadRegistry uploads, HeldContents held, StoreSet stores, BlockBatchPool pool, RemoteNodes nodes)
{
    /// <summary>Opens a source for one disk; null when it does not have that disk's content.</summary>
    public IContentSource? TryOpen(SourceOrder place, int disk, ReplicaDiskRecord wanted)
    {
        return place switch
        {
            UploadSource upload => uploads.ContentOf(upload.UploadId)?.Content == wanted.Content
                ? new LocalSource(upload.Region, stores.Snapshots, pool)
                : null,
            ReplicaSource replica => held.FindReplica(replica.ReplicaId, wanted.Content) is { } store
                ? new LocalSource(replica.Region, store, pool)
                : null,
            NodeSource node => disk < node.Grants.Count ? nodes.Open(node, node.Grants[disk]) : null,
            _ => null,
        };
    }
}
