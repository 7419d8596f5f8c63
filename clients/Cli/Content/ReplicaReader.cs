using Gallery.Cli.Names;
using Gallery.Cli.Uploads;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Grpc.Core;

namespace Gallery.Cli.Content;

/// <summary>Reads a disk as a machine would: places one, reads from its replica, and gives the place back in any case.</summary>
internal sealed class ReplicaReader(Invocation invocation, TransferOptions options)
{
    /// <summary>Writes a disk to a file.</summary>
    /// <param name="image">A version, or a definition for its latest one.</param>
    /// <param name="region">The region.</param>
    /// <param name="ordinal">Only this replica; null for the least loaded one.</param>
    /// <param name="slot">Which disk.</param>
    /// <param name="format">The format of the file: RAW, VHD_FIXED or QCOW2.</param>
    /// <param name="path">The file.</param>
    /// <returns>The lease that it was read under, and what was read.</returns>
    public async Task<(Lease Lease, ContentDescriptor Content)> ReadAsync(
        ResourceName image,
        string region,
        int? ordinal,
        DiskSlot slot,
        DiskFormat format,
        string path
    )
    {
        var request = new PlaceDeploymentRequest
        {
            Image = image.ToString(),
            Region = region,
            MachineCount = 1,
            RequestId = Invocation.NewRequestId(),
        };
        if (ordinal is { } only)
        {
            request.ReplicaOrdinal = only;
        }

        var placed = await invocation.Services.Placement.PlaceDeploymentAsync(request, cancellationToken: invocation.Cancellation);
        try
        {
            var lease = placed.Leases[0];
            var content =
                lease.Disks.FirstOrDefault(disk => disk.Slot.Equals(slot))?.Content
                ?? throw CommandFailure.Failed(
                    $"The version has no disk {Word(slot)}.",
                    $"It has: {string.Join(", ", lease.Disks.Select(disk => Word(disk.Slot)))}."
                );
            await WriteAsync(lease, content, slot, format, path);
            return (lease, content);
        }
        finally
        {
            await ReleaseAsync(placed.Leases);
        }
    }

    private async Task WriteAsync(Lease lease, ContentDescriptor content, DiskSlot slot, DiskFormat format, string path)
    {
        using var node = new NodeAccess(
            Grant(lease),
            async ct => Grant(await RenewAsync(lease.Name, ct)),
            options,
            invocation.Surroundings.Time
        );
        var size = format == DiskFormat.Raw ? content.VirtualSizeBytes : await SizeAsync(node, slot, format);
        using var file = DraftFile.Create(path, size);
        await invocation.Progress.ShowTransferAsync(
            $"downloading {Path.GetFileName(path)}",
            async progress =>
            {
                await new DiskDownloader(node, slot, format, file.Handle, size, options, progress).ReceiveAsync(invocation.Cancellation);
                return true;
            }
        );
        file.Keep();
    }

    private async Task<long> SizeAsync(NodeAccess node, DiskSlot slot, DiskFormat format) =>
        await node.DoAsync(
            async (grant, ct) =>
            {
                var request = new GetDiskRequest
                {
                    ReplicaId = grant.ResourceId,
                    Slot = slot,
                    Format = format,
                };
                var client = new ContentService.ContentServiceClient(grant.Invoker);
                return (await client.GetDiskAsync(request, grant.Headers, cancellationToken: ct)).FileSizeBytes;
            },
            invocation.Cancellation
        );

    private async Task<Lease> RenewAsync(string lease, CancellationToken cancellation)
    {
        var answer = await invocation.Services.Placement.RenewLeaseAsync(
            new RenewLeaseRequest { Name = lease },
            cancellationToken: cancellation
        );
        return answer.Lease;
    }

    private NodeGrant Grant(Lease lease) =>
        new(
            invocation.Channels.ToNode(lease.Region, lease.GrpcUrl),
            lease.Token,
            lease.ReplicaId,
            lease.ExpireTime?.ToDateTimeOffset() ?? DateTimeOffset.MaxValue
        );

    private async Task ReleaseAsync(IEnumerable<Lease> leases)
    {
        foreach (var lease in leases)
        {
            try
            {
                await invocation.Services.Placement.ReleaseLeaseAsync(
                    new ReleaseLeaseRequest { Name = lease.Name },
                    deadline: invocation.Surroundings.Time.GetUtcNow().UtcDateTime.AddSeconds(5),
                    cancellationToken: CancellationToken.None
                );
            }
            catch (RpcException)
            {
                // It ends by itself.
            }
        }
    }

    private static string Word(DiskSlot slot) => slot.SlotCase == DiskSlot.SlotOneofCase.DataDiskLun ? $"lun{slot.DataDiskLun}" : "os";
}
