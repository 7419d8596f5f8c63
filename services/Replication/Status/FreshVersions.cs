using Gallery.Replication.Versions;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Grpc.Core;

namespace Gallery.Replication.Status;

/// <summary>
/// Reads versions so that callers see what they have just asked Catalog for: whoever creates or changes a version and then asks how it is
/// spread must not be told of the time before.
/// </summary>
internal sealed class FreshVersions(VersionStore store, VersionReconciler reconciler)
{
    /// <summary>The version's document, reconciled with what Catalog wants now. RESOURCE_NOT_FOUND when there is no such version.</summary>
    public async Task<VersionDocument> RequireAsync(ResourceName name, ServerCallContext context) =>
        RequireWanted(name, await ReadAsync(name, context));

    /// <summary>Refuses with RESOURCE_NOT_FOUND a version that is not wanted any more.</summary>
    public static VersionDocument RequireWanted(ResourceName name, VersionDocument? document) =>
        document is { IsWanted: true } ? document : throw GalleryError.NotFound(name.Noun, name.Value);

    private async Task<VersionDocument?> ReadAsync(ResourceName name, ServerCallContext context)
    {
        if (Caller.From(context).IsService())
        {
            return await store.ReadAsync(name, context.CancellationToken); // Catalog must not be asked while it asks.
        }

        try
        {
            return await reconciler.ReconcileAsync(name, context.CancellationToken);
        }
        catch (RpcException error) when (error.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
        {
            // Without Catalog the last thing known is the truth about what is there; only what is wanted may be older.
            if (await store.ReadAsync(name, context.CancellationToken) is { } known)
            {
                return known;
            }

            throw;
        }
    }
}
