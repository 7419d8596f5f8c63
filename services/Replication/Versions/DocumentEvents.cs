using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Status;
using Gallery.ServiceDefaults.Names;
using Google.Protobuf.WellKnownTypes;

namespace Gallery.Replication.Versions;

/// <summary>
/// The events that a change of a document makes: read off the difference, so that no rule can forget one. Pure.
/// </summary>
internal static class DocumentEvents
{
    /// <summary>What is to be told when <paramref name="after"/> takes the place of <paramref name="before"/>, in order.</summary>
    /// <param name="before">The stored document; null when there is none.</param>
    /// <param name="after">The one to be stored.</param>
    /// <param name="now">The time.</param>
    public static IEnumerable<EventEnvelope> Between(VersionDocument? before, VersionDocument after, DateTimeOffset now)
    {
        foreach (var replica in after.Replicas.Values)
        {
            var old = before?.Replicas.GetValueOrDefault(replica.Uid);
            if (old?.State != replica.State && replica.State is ReplicaState.Ready or ReplicaState.Failed or ReplicaState.Deleting)
            {
                yield return Envelope(after, Changed(before ?? after, after, replica, now));
            }
        }

        if (after.IsWanted && MattersToOwner(before, after))
        {
            yield return StatusChanged(after, now);
        }

        if (
            before is { Version.Phase: not VersionPhase.Retired }
            && (before.Version.Uid != after.Version.Uid || after.Version.Phase == VersionPhase.Retired)
        )
        {
            yield return Retired(before.Name, before.Version.Uid);
        }
    }

    /// <summary>Tells the rows as they are.</summary>
    public static EventEnvelope StatusChanged(VersionDocument document, DateTimeOffset now)
    {
        var changed = new ReplicationStatusChanged
        {
            Version = document.Version.Name,
            VersionUid = document.Version.Uid,
            Generation = document.Version.Generation,
            AggregatedState = StatusRules.AggregateOf(document),
        };
        changed.Summary.AddRange(StatusRules.TargetRows(document, now));
        return Envelope(document, new EventEnvelope { ReplicationStatusChanged = changed });
    }

    /// <summary>Tells that no replica of the version is in service any more.</summary>
    public static EventEnvelope Retired(ResourceName version, string uid) =>
        new()
        {
            Subject = version.Value,
            SubscriptionId = version.SubscriptionId,
            VersionRetired = new VersionRetired { Version = version.Value, VersionUid = uid },
        };

    private static EventEnvelope Changed(VersionDocument before, VersionDocument after, ReplicaRecord replica, DateTimeOffset now)
    {
        // A replica of an older incarnation is told of as what it was.
        var owner = replica.Uid.StartsWith(after.Version.Uid + ".", StringComparison.Ordinal) ? after : before;
        return new EventEnvelope
        {
            ReplicaChanged = new ReplicaChanged
            {
                Name = ReplicaName.Of(owner.Version.Name, replica.Region, replica.Ordinal),
                Uid = replica.Uid,
                Version = owner.Version.Name,
                VersionUid = owner.Version.Uid,
                Region = replica.Region,
                Ordinal = replica.Ordinal,
                StorageAccountType = replica.StorageAccountType,
                State = replica.State,
                OccupiedSizeBytes = owner.OccupiedBytes,
                SourceRegion = replica.SourceRegion,
                TransferredBytes = replica.TransferredBytes,
                FirstInRegion = replica.FirstInRegion,
                RegionReAdded = replica.RegionReAdded,
                Time = replica.State == ReplicaState.Ready ? replica.ReadyTime : Timestamp.FromDateTimeOffset(now),
            },
        };
    }

    /// <summary>A region was completed or given up, or taken up again, or what is asked for is there already.</summary>
    private static bool MattersToOwner(VersionDocument? before, VersionDocument after)
    {
        if (before is null || before.Version.Uid != after.Version.Uid)
        {
            return StatusRules.IsSettled(after);
        }

        if (before.Version.Generation != after.Version.Generation)
        {
            return StatusRules.IsSettled(after) || StatusRules.AggregateOf(before) != StatusRules.AggregateOf(after);
        }

        var rows = StatusRules.Targets(before).ToDictionary(region => region.Region, region => StatusRules.StateOf(before, region));
        return StatusRules
            .Targets(after)
            .Any(region =>
            {
                var state = StatusRules.StateOf(after, region);
                var old = rows.GetValueOrDefault(region.Region);
                return state != old && (state != RegionalReplicationState.Replicating || StatusRules.IsGivenUp(old));
            });
    }

    private static EventEnvelope Envelope(VersionDocument document, EventEnvelope envelope)
    {
        envelope.Subject = document.Version.Name;
        envelope.SubscriptionId = document.Name.SubscriptionId;
        return envelope;
    }
}
