using Gallery.Cli.Names;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Grpc.Core;

namespace Gallery.Cli.Uploads;

/// <summary>Makes a snapshot out of a file: reserves its name, sends the bytes, commits.</summary>
internal sealed class SnapshotUploader(Invocation invocation, DiskFile file, TransferOptions options)
{
    /// <summary>A node reads a whole disk when it commits it.</summary>
    private static readonly TimeSpan CommitDeadline = TimeSpan.FromMinutes(60);

    /// <summary>A restart of the node may lose blocks that it had not answered yet.</summary>
    private const int Passes = 3;

    /// <summary>Makes the snapshot. When it is refused, or the file turns out not to be a disk, nothing is left behind.</summary>
    /// <param name="group">The resource group to put it in.</param>
    /// <param name="id">The name to give it; where that is taken by a finished snapshot, a number is put behind it.</param>
    /// <param name="region">The region to bring it to.</param>
    /// <param name="format">The file's format.</param>
    /// <returns>The snapshot, ready.</returns>
    public async Task<Snapshot> UploadAsync(ResourceName group, SnapshotId id, string region, DiskFormat format)
    {
        var request = new CreateSnapshotRequest
        {
            Parent = group.ToString(),
            SnapshotId = id.ToString(),
            Region = region,
            FileSizeBytes = file.Length,
            Format = format,
        };
        var created = await ReserveAsync(request, id);
        try
        {
            using var node = new NodeAccess(
                Grant(created),
                async ct => Grant(await CreateAsync(request, ct)),
                options,
                invocation.Surroundings.Time
            );
            return await invocation.Progress.ShowTransferAsync(
                $"uploading {file.Name}",
                async progress =>
                {
                    var uploader = new DiskUploader(file, node, options, progress);
                    for (var pass = 1; ; pass++)
                    {
                        await uploader.SendAsync(format, invocation.Cancellation);
                        try
                        {
                            return await CommitAsync(created.Snapshot.Name);
                        }
                        catch (RpcException incomplete)
                            when (pass < Passes && Errors.ErrorReport.From(incomplete).Reason == "UploadIncomplete")
                        {
                            // Sent again below: only what is lacking.
                        }
                    }
                }
            );
        }
        catch (Exception refused) when (!CanBeResumed(refused))
        {
            await DeleteQuietlyAsync(invocation, created.Snapshot.Name);
            throw;
        }
        catch
        {
            invocation.Progress.Say(
                $"What was sent is kept until {Output.Human.Time(created.Snapshot.ExpireTime)}: the same command goes on from there."
            );
            throw;
        }
    }

    /// <summary>Deletes a snapshot on the way out, where another error matters more.</summary>
    public static async Task DeleteQuietlyAsync(Invocation invocation, string name)
    {
        try
        {
            await invocation.Services.Snapshots.DeleteSnapshotAsync(
                new DeleteSnapshotRequest { Name = name },
                deadline: invocation.Surroundings.Time.GetUtcNow().UtcDateTime.AddSeconds(5),
                cancellationToken: CancellationToken.None
            );
        }
        catch (RpcException left)
        {
            invocation.Progress.Say($"The snapshot {name} could not be deleted and is left behind: {left.Status.Detail}");
        }
    }

    private bool CanBeResumed(Exception ended) =>
        invocation.Cancellation.IsCancellationRequested
        || ended is RpcException { StatusCode: StatusCode.Unavailable or StatusCode.DeadlineExceeded };

    private async Task<CreateSnapshotResponse> ReserveAsync(CreateSnapshotRequest request, SnapshotId id)
    {
        for (var number = 1; ; number++)
        {
            try
            {
                return await CreateAsync(request, invocation.Cancellation);
            }
            catch (RpcException taken) when (taken.StatusCode == StatusCode.AlreadyExists && number < SnapshotId.MostNumbers)
            {
                request.SnapshotId = (id with { Number = number + 1 }).ToString();
            }
        }
    }

    private async Task<CreateSnapshotResponse> CreateAsync(CreateSnapshotRequest request, CancellationToken cancellation) =>
        await invocation.Services.Snapshots.CreateSnapshotAsync(request, cancellationToken: cancellation);

    private async Task<Snapshot> CommitAsync(string name)
    {
        var deadline = invocation.Surroundings.Time.GetUtcNow().UtcDateTime + CommitDeadline;
        var request = new CommitSnapshotRequest { Name = name };
        var answer = await invocation.Services.Snapshots.CommitSnapshotAsync(
            request,
            deadline: deadline,
            cancellationToken: invocation.Cancellation
        );
        return answer.Snapshot;
    }

    private NodeGrant Grant(CreateSnapshotResponse created) =>
        new(
            invocation.Channels.ToNode(created.Snapshot.Region, created.Grant.GrpcUrl),
            created.Grant.Token,
            created.Grant.UploadId,
            created.Grant.ExpireTime?.ToDateTimeOffset() ?? DateTimeOffset.MaxValue,
            created.Grant.HttpUrl.Length > 0
                ? new BulkSender(invocation.Channels.Http, new Uri(created.Grant.HttpUrl), created.Grant.UploadId, created.Grant.Token)
                : null
        );
}
