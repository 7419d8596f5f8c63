using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Streams a version whenever it changes.</summary>
internal sealed class VersionWatch(RedisStore store, ImageVersionStore versions, VersionSignals signals, IAccessChecker access)
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    // A version that changes faster than this is sent less often: the last state is what counts.
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(200);

    /// <summary>Sends the version at once, and again on each change, until the caller ends it, it is gone, or it has settled.</summary>
    public async Task RunAsync(
        ResourceName name, bool untilSettled, IServerStreamWriter<WatchImageVersionResponse> stream, ServerCallContext context)
    {
        using var signal = signals.Watch(store.PartitionOf(name.SubscriptionId).Version(name));
        var sent = "";
        while (true)
        {
            var record = await versions.RequireAsync(name, context.CancellationToken);
            if (record.Etag == sent)
            {
                await signal.WaitAsync(Poll, context.CancellationToken);
                continue;
            }

            // A watch may outlive the right to it.
            await access.RequireAsync(context, CatalogActions.VersionRead, name.Value, CatalogActions.ReadingServices);
            await stream.WriteAsync(new WatchImageVersionResponse { ImageVersion = record.Version }, context.CancellationToken);
            sent = record.Etag;
            if (untilSettled && IsSettled(record.Version.ProvisioningState))
            {
                return;
            }

            await Task.Delay(Spacing, context.CancellationToken);
        }
    }

    private static bool IsSettled(ProvisioningState state) =>
        state is not (ProvisioningState.Creating or ProvisioningState.Updating or ProvisioningState.Deleting);
}
