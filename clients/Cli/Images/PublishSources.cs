using Gallery.Cli.Names;
using Gallery.Cli.Snapshots;
using Gallery.Cli.Uploads;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Grpc.Core;

namespace Gallery.Cli.Images;

/// <summary>Where the disk of a version comes from.</summary>
internal interface IPublishSource
{
    /// <summary>The name of the snapshot that is made of it.</summary>
    SnapshotId IdFor(ResourceName version, string home, DiskFormat format);

    /// <summary>Makes the snapshot. When it is refused nothing is left behind.</summary>
    Task<Snapshot> MakeAsync(ResourceName group, SnapshotId id, string home, DiskFormat format);
}

/// <summary>A file of this machine, which is sent.</summary>
internal sealed class FilePublishSource(Invocation invocation, DiskFile disk, TransferOptions transfer) : IPublishSource
{
    /// <inheritdoc/>
    public SnapshotId IdFor(ResourceName version, string home, DiskFormat format) => SnapshotId.Of(version, disk, home, format);

    /// <inheritdoc/>
    public Task<Snapshot> MakeAsync(ResourceName group, SnapshotId id, string home, DiskFormat format) =>
        new SnapshotUploader(invocation, disk, transfer).UploadAsync(group, id, home, format);
}

/// <summary>An address, which the home region fetches from.</summary>
internal sealed class UriPublishSource(Invocation invocation, string uri) : IPublishSource
{
    private readonly SnapshotImporter _importer = new(invocation);

    /// <inheritdoc/>
    public SnapshotId IdFor(ResourceName version, string home, DiskFormat format) =>
        SnapshotId.Of(version, $"{home}|{format}|{new Uri(uri).GetLeftPart(UriPartial.Path)}");

    /// <inheritdoc/>
    public async Task<Snapshot> MakeAsync(ResourceName group, SnapshotId id, string home, DiskFormat format)
    {
        var begun = await BeginAsync(group, id, home, format);
        try
        {
            return await _importer.FollowAsync(begun);
        }
        catch (CommandFailure)
        {
            await SnapshotUploader.DeleteQuietlyAsync(invocation, begun.Name);
            throw;
        }
    }

    /// <summary>A name that is taken by a finished snapshot: what lies at the address may be another file now.</summary>
    private async Task<Snapshot> BeginAsync(ResourceName group, SnapshotId id, string home, DiskFormat format)
    {
        for (var number = 1; ; number++)
        {
            try
            {
                return await _importer.BeginAsync(group, (id with { Number = number }).ToString(), home, format, uri);
            }
            catch (RpcException taken) when (taken.StatusCode == StatusCode.AlreadyExists && number < SnapshotId.MostNumbers)
            {
                // The next number.
            }
        }
    }
}
