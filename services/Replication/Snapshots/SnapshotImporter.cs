using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Snapshots;

/// <summary>Begins imports. The work is the <see cref="ImportWorker"/>'s.</summary>
internal sealed class SnapshotImporter(SnapshotStore store, ImportSecrets secrets, TimeProvider clock)
{
    /// <summary>Begins an import, gives a running one a fresh address, or begins a failed one anew.</summary>
    /// <returns>The snapshot, IMPORTING.</returns>
    public async Task<V1.Snapshot> BeginAsync(
        ResourceName name,
        string region,
        V1.CreateSnapshotRequest request,
        CancellationToken cancellationToken
    )
    {
        var (secret, shown) = ImportRules.Require(request);
        while (true)
        {
            var existing = await store.ReadAsync(name, cancellationToken);
            switch (existing)
            {
                case null:
                    var snapshot = New(name, region, request, shown);
                    if (await store.TryAddImportAsync(name, snapshot, secrets.Seal(secret, snapshot.Uid), cancellationToken))
                    {
                        return snapshot;
                    }

                    break;
                case { State: V1.SnapshotState.Failed }:
                    await store.TryDropAsync(name, existing, cancellationToken);
                    break;
                case var running when ImportRules.IsSameImport(running, region, shown, request.Format):
                    var renewed = running.Clone();
                    renewed.Etag = Etag.New();
                    if (await store.TryRenewImportAsync(name, running.Etag, renewed, secrets.Seal(secret, running.Uid), cancellationToken))
                    {
                        return renewed;
                    }

                    break;
                default:
                    throw GalleryError.AlreadyExists(name.Noun, name.Value);
            }
        }
    }

    private V1.Snapshot New(ResourceName name, string region, V1.CreateSnapshotRequest request, string shown) =>
        new()
        {
            Name = name.Value,
            Uid = Guid.NewGuid().ToString("D"),
            Etag = Etag.New(),
            Region = region,
            State = V1.SnapshotState.Importing,
            Format = request.Format,
            CreateTime = Timestamp.FromDateTimeOffset(clock.GetUtcNow()),
            Tags = { request.Tags },
            Import = new V1.SnapshotImport { Uri = shown },
        };
}
