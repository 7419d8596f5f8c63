using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Replicas;

/// <summary>What may be asked of a replica, given what is kept of it.</summary>
internal static class ReplicaRules
{
    /// <summary>The record that an order leads to: the one there is, with a newer token, or a new one.</summary>
    /// <exception cref="RegionException">The token is out of date, the replica was dropped, or it is another one by that name.</exception>
    public static ReplicaRecord Admit(ReplicaRecord? record, PullOrder order)
    {
        if (record is null)
        {
            return new ReplicaRecord
            {
                Id = order.ReplicaId,
                FencingToken = order.FencingToken,
                StorageAccountType = order.Store.Type,
                Ordinal = order.Store.Ordinal,
                Disks = order.Disks,
                Phase = ReplicaPhase.Pulling,
            };
        }

        RequireCurrent(record, order.FencingToken);
        if (record.Phase == ReplicaPhase.Dropped)
        {
            throw new RegionException(
                ErrorReason.ResourceMarkedForDeletion,
                $"The replica {record.Id} was dropped; a new one takes a new id."
            );
        }

        if (record.Store != order.Store || !record.Disks.SequenceEqual(order.Disks))
        {
            throw new RegionException(
                ErrorReason.PropertyChangeNotAllowed,
                $"The replica {record.Id} is in the store {record.Store} with other disks; a replica never changes."
            )
            {
                Details = new Dictionary<string, string>
                {
                    ["target"] = record.Store != order.Store ? "store" : "disks",
                    ["current"] =
                        record.Store != order.Store ? $"{record.Store}" : string.Join(' ', record.Disks.Select(disk => disk.Digest)),
                    ["requested"] =
                        record.Store != order.Store ? $"{order.Store}" : string.Join(' ', order.Disks.Select(disk => disk.Digest)),
                },
            };
        }

        return record.FencingToken == order.FencingToken ? record : record with { FencingToken = order.FencingToken };
    }

    /// <summary>Refuses a holder of the work who was followed by another one.</summary>
    /// <exception cref="RegionException">The token is out of date.</exception>
    public static void RequireCurrent(ReplicaRecord record, long fencingToken)
    {
        if (fencingToken < record.FencingToken)
        {
            throw new RegionException(
                ErrorReason.Fenced,
                $"The fencing token {fencingToken} is out of date: the replica {record.Id} has seen {record.FencingToken}."
            );
        }
    }
}
