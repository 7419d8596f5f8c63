using System.Diagnostics;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Status;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Grpc.Core;

namespace Gallery.Replication.Versions;

/// <summary>
/// Brings a version's document in line with what Catalog wants. Catalog is asked after the document was read, and the document is written
/// only if it is still the same: so an answer that is older than the document never wins, whatever the order of events.
/// </summary>
internal sealed partial class VersionReconciler(
    ImageVersionService.ImageVersionServiceClient catalog,
    VersionStore store,
    RegionRegistry regions,
    TimeProvider clock,
    ILogger<VersionReconciler> logger
)
{
    private const int MostConflicts = 100;

    /// <summary>Reconciles one version.</summary>
    /// <param name="version">Its name.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The document as it is now; null when there is none.</returns>
    public async Task<VersionDocument?> ReconcileAsync(ResourceName version, CancellationToken cancellationToken)
    {
        for (var conflict = 0; conflict < MostConflicts; conflict++)
        {
            var before = await store.ReadAsync(version, cancellationToken);
            var desired = await AskAsync(version, cancellationToken);
            if (await TryApplyAsync(version, before, desired, cancellationToken) is (true, var document))
            {
                return document;
            }
        }

        throw GalleryError.OperationNotAllowed(version.Value, "it changes all the time.");
    }

    /// <summary>
    /// Tells again what Catalog should know by now and does not: for what was lost with a store that had to be brought back from a backup.
    /// </summary>
    public async Task RemindAsync(ResourceName version, ImageVersion wanted, CancellationToken cancellationToken)
    {
        var document = await store.ReadAsync(version, cancellationToken);
        if (wanted.ProvisioningState == ProvisioningState.Deleting)
        {
            if (document is null || document.Version.Phase == VersionPhase.Retired || document.Version.Uid != wanted.Uid)
            {
                await store.TellAsync(version, DocumentEvents.Retired(version, wanted.Uid), cancellationToken);
            }
        }
        else if (
            document is { IsWanted: true }
            && document.Version.Uid == wanted.Uid
            && document.Version.Generation == wanted.Generation
            && StatusRules.IsSettled(document)
            && (
                wanted.ProvisioningState != ProvisioningState.Failed
                || StatusRules.AggregateOf(document) == AggregatedReplicationState.Completed
            )
        )
        {
            await store.TellAsync(version, DocumentEvents.StatusChanged(document, clock.GetUtcNow()), cancellationToken);
        }
    }

    private async Task<DesiredVersion?> AskAsync(ResourceName version, CancellationToken cancellationToken)
    {
        try
        {
            var answer = await catalog.GetImageVersionAsync(
                new GetImageVersionRequest { Name = version.Value },
                cancellationToken: cancellationToken
            );
            return DesiredVersion.From(answer.ImageVersion);
        }
        catch (RpcException error) when (GalleryError.ReasonOf(error) is ErrorReason.ResourceNotFound or ErrorReason.ParentResourceNotFound)
        {
            return null; // Catalog says so itself; a proxy's or a foreign NOT_FOUND must not drop replicas.
        }
    }

    /// <returns>Whether it is done, and the document as it is then.</returns>
    private async Task<(bool Done, VersionDocument? Document)> TryApplyAsync(
        ResourceName version,
        VersionDocument? before,
        DesiredVersion? desired,
        CancellationToken cancellationToken
    )
    {
        var now = clock.GetUtcNow();
        var after = Reconciliation.Apply(before, desired, regions.Contains, Activity.Current?.Id ?? "", now);
        if (desired is { IsDeleting: true } && before?.Version.Uid != desired.Uid)
        {
            // Accepted and deleted before any replica was made: the owner waits for the word all the same.
            await store.TellAsync(version, DocumentEvents.Retired(version, desired.Uid), cancellationToken);
        }

        if (after is null || ReferenceEquals(before, after))
        {
            return (true, before);
        }

        if (await store.TryWriteAsync(before, after, [], cancellationToken) is not { } written)
        {
            return (false, null);
        }

        LogReconciled(
            version.Value,
            after.Version.Generation,
            after.Replicas.Values.Count(replica => replica.State == ReplicaState.Queued),
            after.Replicas.Values.Count(replica => replica.State == ReplicaState.Deleting)
        );
        return (true, written);
    }

    [LoggerMessage(
        3500,
        LogLevel.Information,
        "Version {Version} is reconciled to generation {Generation}: {Queued} replicas are to be made, {Deleting} are to be dropped"
    )]
    private partial void LogReconciled(string version, long generation, int queued, int deleting);
}
