using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Streams a version whenever it changes.</summary>
internal sealed class VersionWatch(
    RedisStore store,
    ImageVersionStore versions,
    VersionSignals signals,
    IAccessChecker access,
    IHostApplicationLifetime lifetime
)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    // A version that changes faster than this is sent less often: the last state is what counts.
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(200);

    /// <summary>Sends the version at once, and again on each change, until the caller ends it, it is gone, or it has settled.</summary>
    public async Task RunAsync(
        ResourceName name,
        bool untilSettled,
        IServerStreamWriter<WatchImageVersionResponse> stream,
        ServerCallContext context
    )
    {
        // The host waits for open calls before it stops: watches must not keep it.
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            await SendAsync(name, untilSettled, stream, context, end.Token);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw GalleryError.Unavailable(
                ErrorReason.DependencyUnavailable,
                "The service is being stopped. Watch again.",
                TimeSpan.FromSeconds(1)
            );
        }
    }

    private async Task SendAsync(
        ResourceName name,
        bool untilSettled,
        IServerStreamWriter<WatchImageVersionResponse> stream,
        ServerCallContext context,
        CancellationToken cancellationToken
    )
    {
        using var signal = signals.Watch(store.PartitionOf(name.SubscriptionId).Version(name));
        var sent = "";
        while (true)
        {
            var record = await versions.RequireAsync(name, cancellationToken);
            if (record.Etag == sent)
            {
                await signal.WaitAsync(Poll, cancellationToken);
                continue;
            }

            // A watch may outlive the right to it.
            await access.RequireAsync(context, CatalogActions.VersionRead, name.Value, CatalogActions.ReadingServices, cancellationToken);
            await stream.WriteAsync(new WatchImageVersionResponse { ImageVersion = record.Version }, cancellationToken);
            sent = record.Etag;
            if (untilSettled && IsSettled(record.Version.ProvisioningState))
            {
                return;
            }

            await Task.Delay(Spacing, cancellationToken);
        }
    }

    private static bool IsSettled(ProvisioningState state) =>
        state is not (ProvisioningState.Creating or ProvisioningState.Updating or ProvisioningState.Deleting);
}
