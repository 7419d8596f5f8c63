using System.Globalization;
using Gallery.Catalog.Activity;
using Gallery.Catalog.Quotas;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Finds out what bytes a version is made of: asks Replication for the snapshots that it names (semantics 3.4).</summary>
internal sealed class SourceSnapshots(IAccessChecker access, SnapshotService.SnapshotServiceClient snapshots)
{
    private const long BytesPerGigabyte = 1L << 30;

    /// <summary>Gives each disk its content and sizes, and the version their sums.</summary>
    /// <param name="change">Who makes the version: must be allowed to read the snapshots.</param>
    /// <param name="version">The version, without violations.</param>
    /// <param name="limits">How large a disk may be.</param>
    public async Task ResolveAsync(Change change, ImageVersion version, Limits limits)
    {
        var profile = version.StorageProfile;
        var disks = profile.DataDiskImages.Select(disk => disk.Snapshot).Prepend(profile.OsDiskImage.Snapshot).ToArray();
        var found = await Task.WhenAll(disks.Select(disk => FindAsync(change, disk)));
        foreach (var snapshot in found)
        {
            RequireUsable(snapshot, version.Location, limits);
        }

        profile.OsDiskImage.Snapshot = found[0].Name;
        profile.OsDiskImage.Content = found[0].Content;
        profile.OsDiskImage.SizeInGb = Gigabytes(found[0].Content);
        for (var index = 0; index < profile.DataDiskImages.Count; index++)
        {
            var disk = profile.DataDiskImages[index];
            var snapshot = found[index + 1];
            disk.Snapshot = snapshot.Name;
            disk.Content = snapshot.Content;
            disk.SizeInGb = Gigabytes(snapshot.Content);
        }

        version.VirtualSizeBytes = found.Sum(snapshot => snapshot.Content.VirtualSizeBytes);
        version.OccupiedSizeBytes = found.Sum(snapshot => snapshot.Content.OccupiedSizeBytes);
    }

    private static void RequireUsable(Snapshot snapshot, string location, Limits limits)
    {
        if (snapshot.State != SnapshotState.Ready || snapshot.Content is null)
        {
            throw NotUsable(snapshot, $"The snapshot '{snapshot.Name}' is not committed yet: send its bytes and commit it first.");
        }

        if (snapshot.Region != location)
        {
            throw NotUsable(
                snapshot,
                $"The snapshot '{snapshot.Name}' lies in '{snapshot.Region}' and the version's location is '{location}': they must be the same region."
            );
        }

        if (snapshot.Content.VirtualSizeBytes > limits.MaxDiskBytes)
        {
            throw GalleryError.Create(
                StatusCode.InvalidArgument,
                ErrorReason.GallerySourceResourceExceedsMaxSize,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The disk of the snapshot '{snapshot.Name}' has {snapshot.Content.VirtualSizeBytes} bytes; at most {limits.MaxDiskBytes} are allowed."
                ),
                new Dictionary<string, string>
                {
                    ["limit"] = limits.MaxDiskBytes.ToString(CultureInfo.InvariantCulture),
                    ["size"] = snapshot.Content.VirtualSizeBytes.ToString(CultureInfo.InvariantCulture),
                }
            );
        }
    }

    private static RpcException NotUsable(Snapshot snapshot, string message) =>
        GalleryError.Create(
            StatusCode.FailedPrecondition,
            ErrorReason.SourceNotUsable,
            message,
            new Dictionary<string, string> { ["source"] = snapshot.Name }
        );

    private static int Gigabytes(ContentDescriptor content) => (int)((content.VirtualSizeBytes + BytesPerGigabyte - 1) / BytesPerGigabyte);

    private async Task<Snapshot> FindAsync(Change change, string name)
    {
        await access.RequireLinkedAsync(change.Call, CatalogActions.SnapshotRead, name);
        try
        {
            var answer = await snapshots.GetSnapshotAsync(
                new GetSnapshotRequest { Name = name },
                cancellationToken: change.CancellationToken
            );
            return answer.Snapshot;
        }
        catch (RpcException missing) when (missing.StatusCode == StatusCode.NotFound)
        {
            throw GalleryError.NotFound("snapshot", name);
        }
    }
}
