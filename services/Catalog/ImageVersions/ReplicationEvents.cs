using System.Globalization;
using Gallery.Catalog.Quotas;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Events;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;

namespace Gallery.Catalog.ImageVersions;

/// <summary>
/// Takes over what Replication tells: how far a version is, and that the replicas of a version being deleted are out of service.
/// </summary>
internal sealed partial class ReplicationEvents(
    RedisStore store,
    ImageVersionStore versions,
    TimeProvider clock,
    ILogger<ReplicationEvents> logger
) : IEventDeliveryHandler
{
    /// <inheritdoc />
    public Task HandleAsync(EventDelivery delivery, CancellationToken cancellationToken) =>
        delivery.Event.PayloadCase switch
        {
            EventEnvelope.PayloadOneofCase.ReplicationStatusChanged => SettleAsync(
                delivery,
                delivery.Event.ReplicationStatusChanged,
                cancellationToken
            ),
            EventEnvelope.PayloadOneofCase.VersionRetired => RemoveAsync(delivery.Event.VersionRetired, cancellationToken),
            _ => Task.CompletedTask,
        };

    private async Task SettleAsync(EventDelivery delivery, ReplicationStatusChanged told, CancellationToken cancellationToken)
    {
        if (!TryName(told.Version, out var name))
        {
            return;
        }

        var position = PositionOf(delivery);
        await FreshAttempt.RunAsync(
            name.Value,
            async stale =>
            {
                var record = await versions.FindAsync(name, cancellationToken);
                if (record is null || !IsNews(told, position, record) || ReplicationRows.Settle(record.Version, told) is not { } version)
                {
                    return false; // Of an earlier incarnation or generation, or told before: nothing to take over.
                }

                var now = clock.GetUtcNow();
                version.Etag = Etag.New();
                var partition = store.PartitionOf(name.SubscriptionId);
                var key = partition.Version(name);
                var mutation = new RedisMutation(partition).RequireEtag(key, record.Etag, stale);
                ImageVersionStore.Put(mutation, name, version).SetHashField(key, VersionRecord.PositionField, position);
                if (told.Sequence > 0)
                {
                    mutation.SetHashField(key, VersionRecord.SequenceField, told.Sequence);
                }

                if (version.ProvisioningState is ProvisioningState.Succeeded or ProvisioningState.Failed)
                {
                    versions.End(
                        mutation,
                        name,
                        record,
                        version.ProvisioningState == ProvisioningState.Succeeded,
                        version.ProvisioningDetails,
                        now
                    );
                }

                await store.ExecuteAsync(mutation, cancellationToken);
                LogSettled(version.Name, version.Generation, version.ProvisioningState);
                return true;
            }
        );
    }

    private async Task RemoveAsync(VersionRetired retired, CancellationToken cancellationToken)
    {
        if (!TryName(retired.Version, out var name))
        {
            return;
        }

        await FreshAttempt.RunAsync(
            name.Value,
            async stale =>
            {
                var record = await versions.FindAsync(name, cancellationToken);
                if (
                    record is null
                    || record.Version.Uid != retired.VersionUid
                    || record.Version.ProvisioningState != ProvisioningState.Deleting
                    || !VersionNumber.TryParse(name.Id, out var number)
                )
                {
                    return false; // Gone already, or another incarnation: that one stays.
                }

                var partition = store.PartitionOf(name.SubscriptionId);
                var key = partition.Version(name);
                var mutation = new RedisMutation(partition).RequireEtag(key, record.Etag, stale);
                versions.End(mutation, name, record, succeeded: true, "", clock.GetUtcNow());
                mutation
                    .DeleteKey(key)
                    .RemoveFromIndex(partition.Versions(name.Parent!), number.SortKey)
                    .RemoveFromIndex(partition.AllVersions(), name.Key)
                    .Publish(CatalogKeys.VersionChannel, key.ToString());
                Quota.Count(mutation, name.SubscriptionId, UsageMetric.ImageVersions, record.Version.Location, -1);
                ImageVersionStore.Tell(mutation, name, record.Version, ChangeType.Deleted);
                await store.ExecuteAsync(mutation, cancellationToken);
                LogRemoved(record.Version.Name);
                return true;
            }
        );
    }

    // Entries of Replication's stream are numbered by Redis in the order in which they were appended: milliseconds, then a count. An event
    // that comes from the dead letters stands in another stream; the time that it tells of is as good a place as can be had.
    private static string PositionOf(EventDelivery delivery) =>
        delivery.Stream.ToString().EndsWith(":events", StringComparison.Ordinal)
            ? delivery.EntryId.ToString()
            : string.Create(CultureInfo.InvariantCulture, $"{delivery.Event.Time.ToDateTimeOffset().ToUnixTimeMilliseconds()}-0");

    // The number says in which order statuses came to be, also when one is told again. What has none goes by its place.
    private static bool IsNews(ReplicationStatusChanged told, string position, VersionRecord record) =>
        told.Sequence > 0 && record.StatusSequence > 0 ? told.Sequence > record.StatusSequence : IsLater(position, record.StatusPosition);

    private static bool IsLater(string position, string than) => than.Length == 0 || Parts(position).CompareTo(Parts(than)) > 0;

    private static (ulong, ulong) Parts(string position)
    {
        var dash = position.IndexOf('-', StringComparison.Ordinal);
        return (
            ulong.Parse(position.AsSpan(0, dash), CultureInfo.InvariantCulture),
            ulong.Parse(position.AsSpan(dash + 1), CultureInfo.InvariantCulture)
        );
    }

    private bool TryName(string text, out ResourceName name)
    {
        if (ResourceName.TryParse(text, ResourceKind.ImageVersion, out var parsed))
        {
            name = parsed;
            return true;
        }

        // Other kinds of versions have other owners; a name that is none can't be mended by trying again.
        LogNoVersion(text);
        name = null!;
        return false;
    }

    [LoggerMessage(210, LogLevel.Information, "{Version}, generation {Generation}, is {State}")]
    private partial void LogSettled(string version, long generation, ProvisioningState state);

    [LoggerMessage(211, LogLevel.Information, "{Version} is gone")]
    private partial void LogRemoved(string version);

    [LoggerMessage(212, LogLevel.Warning, "An event of Replication is about '{Name}', which is no image version")]
    private partial void LogNoVersion(string name);
}
