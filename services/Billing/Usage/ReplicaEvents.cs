using System.Buffers;
using Gallery.Billing.Charges;
using Gallery.Billing.Regions;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Events;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Billing.Usage;

/// <summary>Records what Replication tells of replicas. An event that makes no sense fails, and ends among the dead letters.</summary>
internal sealed partial class ReplicaEvents(UsageStore usage, BillingMetrics metrics, ILogger<ReplicaEvents> logger) : IEventHandler
{
    private const int LongestUid = 200;

    private static readonly SearchValues<char> UidCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
    );

    /// <inheritdoc />
    public async Task HandleAsync(EventEnvelope @event, CancellationToken cancellationToken)
    {
        if (
            @event.PayloadCase != EventEnvelope.PayloadOneofCase.ReplicaChanged
            || @event.ReplicaChanged.State is not (ReplicaState.Ready or ReplicaState.Deleting or ReplicaState.Deleted)
        )
        {
            return;
        }

        var (version, change) = Read(@event);
        var recorded = await usage.ApplyAsync(version.SubscriptionId, version, change, cancellationToken);
        metrics.Recorded(recorded, change.Region);
        if (recorded.Begun)
        {
            LogBegun(change.Name, change.Uid, change.OccupiedSizeBytes, recorded.EgressBytes);
        }

        if (recorded.Ended)
        {
            LogEnded(change.Name, change.Uid);
        }
    }

    private static (ResourceName Version, ReplicaChanged Change) Read(EventEnvelope @event)
    {
        var change = @event.ReplicaChanged.Clone();
        change.Time ??= @event.Time;
        change.Region = RegionMap.Canonical(change.Region);
        change.SourceRegion = RegionMap.Canonical(change.SourceRegion);
        if (change.StorageAccountType == StorageAccountType.Unspecified)
        {
            change.StorageAccountType = StorageAccountType.StandardLrs;
        }

        Require(
            ResourceName.TryParse(change.Version, out var version)
                && version.Kind is ResourceKind.ImageVersion or ResourceKind.ApplicationVersion,
            $"'{change.Version}' is no version"
        );
        Require(
            change.Uid.Length is > 0 and <= LongestUid && !change.Uid.AsSpan().ContainsAnyExcept(UidCharacters),
            $"'{change.Uid}' is no uid of a replica"
        );
        Require(change.Region.Length > 0, "it names no region");
        Require(Enum.IsDefined(change.StorageAccountType), "its storage type is unknown");
        Require(change.OccupiedSizeBytes >= 0 && change.TransferredBytes >= 0, "a size is negative");
        Require(change.Time is not null && BillingMonth.Covers(change.Time.ToDateTimeOffset()), "it has no time that can be billed");
        return (version!, change);

        void Require(bool holds, string otherwise)
        {
            if (!holds)
            {
                throw new InvalidOperationException(
                    $"The event {@event.Id} about the replica '{change.Name}' can't be billed: {otherwise}."
                );
            }
        }
    }

    [LoggerMessage(
        3010,
        LogLevel.Information,
        "Replica {Replica} ({Uid}) is billed for {OccupiedBytes} bytes from now on; egress {EgressBytes} bytes"
    )]
    private partial void LogBegun(string replica, string uid, long occupiedBytes, long egressBytes);

    [LoggerMessage(3011, LogLevel.Information, "Replica {Replica} ({Uid}) is billed no longer")]
    private partial void LogEnded(string replica, string uid);
}
