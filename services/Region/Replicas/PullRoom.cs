using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Zones;
using Gallery.Region.Transfers;

namespace Gallery.Region.Replicas;

/// <summary>
/// Refuses pulls that can't fit before anything of them moves: a half-made replica would only keep room from others, and would be fetched again and
/// again. Room that was found for a pull is kept for it while it runs.
/// </summary>
internal sealed class PullRoom(StoreSet stores, ReplicaRegistry registry)
{
    // A group of a segment has a header page and ends with a page; this is somewhat more.
    private const long BytesPerByteOfGroups = BlockBatch.Capacity / (4 * AlignedMemory.PageSize);
    private const long LeastOfGroups = 4 * AlignedMemory.PageSize;

    private readonly Lock _gate = new();

    /// <summary>
    /// Looks, before anybody is asked for anything, whether the disks can fit at all: one that the store has nothing of takes room for its
    /// manifest, and for what it can't share with all that is there.
    /// </summary>
    /// <exception cref="RegionException">They can't, or a zone of the store is away.</exception>
    public void RequireAtLeast(PullJob job, RegionStore store, IReadOnlyList<ReplicaDiskRecord> disks)
    {
        var least = disks
            .Where(disk => disk.OccupiedSize > 0 && !store.Blocks.Holds(disk.Content))
            .Select(disk =>
                (disk.OccupiedSize / BlockLayout.BlockSize * BlockDigest.Size) + Math.Max(0, disk.OccupiedSize - store.Blocks.UsedBytes)
            )
            .DefaultIfEmpty()
            .Max();
        lock (_gate)
        {
            Require(job, store, least);
        }
    }

    /// <summary>Finds room for a disk, and keeps it for the pull.</summary>
    /// <param name="job">The pull.</param>
    /// <param name="store">Where it goes.</param>
    /// <param name="disk">How far the disk is.</param>
    /// <param name="missing">Bytes of its blocks that are to be written.</param>
    /// <exception cref="RegionException">There is none, or a zone of the store is away.</exception>
    public void Require(PullJob job, RegionStore store, TransferProgress disk, long missing)
    {
        // One after the other: two that fit each, and not both, must not both be let in.
        lock (_gate)
        {
            Require(job, store, missing);
            disk.Lack(missing);
        }
    }

    private void Require(PullJob job, RegionStore store, long missing)
    {
        if (missing == 0)
        {
            return;
        }

        if (store.Zones.FirstOrDefault(zone => zone.Failure.Length > 0) is ZoneStore away)
        {
            throw new RegionException(ErrorReason.RegionUnavailable, away.Failure);
        }

        var running = registry.All.Select(replica => replica.Job).OfType<PullJob>().Where(other => other != job);
        var available = stores.AvailableTo(store.Name, [.. running.Select(other => (other.Store, other.LackingBytes))]);
        if (missing + (missing / BytesPerByteOfGroups) + LeastOfGroups > available)
        {
            throw new StorageExhaustedException(
                $"The replica takes {missing} bytes more, and {available} are left in the zones of {store.Name}."
            );
        }
    }
}
