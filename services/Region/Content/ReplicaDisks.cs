using System.Runtime.InteropServices;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;

namespace Gallery.Region.Content;

/// <summary>A disk of a ready replica.</summary>
/// <param name="Store">The store it lies in.</param>
/// <param name="Content">What it is.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ReadableDisk(StoreName Store, ReplicaDiskRecord Content);

/// <summary>Finds disks to be read.</summary>
internal static class ReplicaDisks
{
    /// <summary>A disk of a replica, by its slot: `os`, `lun0`.</summary>
    /// <exception cref="RegionException">The replica is not there, not ready, or has no such disk.</exception>
    public static ReadableDisk Require(ReplicaManager replicas, string id, string slot)
    {
        var view = replicas.Get(id);
        if (view.State == ReplicaState.Damaged || view.Record.Phase == ReplicaPhase.Damaged)
        {
            throw new RegionException(
                ErrorReason.RegionUnavailable,
                $"The replica {id} is out of service until it is repaired: {view.Details}"
            );
        }

        if (view.State != ReplicaState.Ready)
        {
            throw new RegionException(ErrorReason.ContentNotFound, $"The replica {id} is not complete yet.");
        }

        return view.Record.Disks.FirstOrDefault(disk => disk.Slot == slot) is { } found
            ? new ReadableDisk(view.Record.Store, found)
            : throw new RegionException(ErrorReason.ContentNotFound, $"The replica {id} has no disk {slot}.");
    }
}
