using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Events;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Replication.Versions;

/// <summary>Takes Catalog's events as hints: whatever they say, the version is reconciled with what Catalog wants now.</summary>
internal sealed class VersionEvents(VersionReconciler reconciler) : IEventHandler
{
    /// <inheritdoc />
    public async Task HandleAsync(EventEnvelope @event, CancellationToken cancellationToken)
    {
        if (@event.ImageVersionChanged is { } changed && ResourceName.TryParse(changed.Name, ResourceKind.ImageVersion, out var version))
        {
            await reconciler.ReconcileAsync(version, cancellationToken);
        }
    }
}
