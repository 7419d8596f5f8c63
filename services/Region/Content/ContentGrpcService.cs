using System.Buffers;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Access;
using Gallery.Region.Blocks;
using Gallery.Region.Content.Views;
using Gallery.Region.Manifests;
using Gallery.Region.Node;
using Gallery.Region.Replicas;
using Gallery.Region.Serving;
using Gallery.Region.Stores;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;

namespace Gallery.Region.Content;

/// <summary>Gives out bytes to holders of grants.</summary>
[AllowAnonymous]
internal sealed class ContentGrpcService(
    HeldContents held,
    ReplicaManager replicas,
    DiskReaders readers,
    DiskStreamer streamer,
    RegionTelemetry telemetry
) : ContentService.ContentServiceBase
{
    private const int MaxNodes = 1024;
    private const int NodesPerMessage = 32;
    private const int BlocksPerMessage = 16;

    /// <inheritdoc/>
    public override async Task<GetContentResponse> GetContent(GetContentRequest request, ServerCallContext context)
    {
        var (content, store) = await RequireContentAsync(request.ContentDigest, context);
        var root = (await ManifestReader.ReadRootAsync(store, content, context.CancellationToken)).Root;
        return new GetContentResponse
        {
            Content = new ContentDescriptor
            {
                Digest = request.ContentDigest,
                VirtualSizeBytes = root.VirtualSize,
                OccupiedSizeBytes = root.OccupiedSize,
            },
        };
    }

    /// <inheritdoc/>
    public override async Task ReadManifestNodes(
        ReadManifestNodesRequest request,
        IServerStreamWriter<ReadManifestNodesResponse> responseStream,
        ServerCallContext context
    )
    {
        var (_, store) = await RequireContentAsync(request.ContentDigest, context);
        var digests = RequestChecks.RequireDigests(request.NodeDigests, "node_digests", MaxNodes);
        foreach (var some in digests.Chunk(NodesPerMessage))
        {
            var response = new ReadManifestNodesResponse();
            foreach (var digest in some)
            {
                var node = await store.ReadNodeAsync(digest, context.CancellationToken);
                response.Nodes.Add(
                    new ManifestNode { Digest = ByteString.CopyFrom(digest.ToArray()), Data = UnsafeByteOperations.UnsafeWrap(node) }
                );
            }

            await responseStream.WriteAsync(response, context.CancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task ReadBlocks(
        ReadBlocksRequest request,
        IServerStreamWriter<ReadBlocksResponse> responseStream,
        ServerCallContext context
    )
    {
        var (_, store) = await RequireContentAsync(request.ContentDigest, context);
        var refs = store.FindBlocks(RequestChecks.RequireDigests(request.BlockDigests, "block_digests", BlocksEndpoint.MaxBlocks));
        var buffer = ArrayPool<byte>.Shared.Rent(BlocksPerMessage * BlockLayout.BlockSize);
        try
        {
            for (var first = 0; first < refs.Length; first += BlocksPerMessage)
            {
                var some = refs.AsMemory(first, Math.Min(BlocksPerMessage, refs.Length - first));
                await store.Blocks.ReadAsync(some, buffer, context.CancellationToken);
                // The message is written out before the call returns, so the buffer can be used again.
                await responseStream.WriteAsync(ToMessage(some.Span, buffer, request.BlockDigests, first), context.CancellationToken);
                telemetry.Served(Sized.LengthOf<BlockRef>(some.Span), "node");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <inheritdoc/>
    public override async Task ReadDisk(
        ReadDiskRequest request,
        IServerStreamWriter<ReadDiskResponse> responseStream,
        ServerCallContext context
    )
    {
        var disk = await RequireDiskAsync(request.ReplicaId, request.Slot, context);
        var view = await readers.OpenAsync(disk, RequestChecks.RequireServed(request.Format), context.CancellationToken);
        new Violations()
            .AddIf(request.Offset < 0, "offset", "0 or more")
            .AddIf(request.Length < 0, "length", "0 or more; 0 means up to the end")
            .ThrowIfAny();
        if (request.Offset > view.Length)
        {
            throw new RegionException(ErrorReason.OutOfRange, $"The disk has {view.Length} bytes.");
        }

        var left = view.Length - request.Offset;
        var length = request.Length == 0 ? left : Math.Min(request.Length, left);
        await streamer.SendAsync(request.ReplicaId, view, request.Offset, length, responseStream, context.CancellationToken);
    }

    /// <inheritdoc/>
    public override async Task<GetDiskResponse> GetDisk(GetDiskRequest request, ServerCallContext context)
    {
        var disk = await RequireDiskAsync(request.ReplicaId, request.Slot, context);
        var format = RequestChecks.RequireServed(request.Format);
        var view = await readers.OpenAsync(disk, format, context.CancellationToken);
        return new GetDiskResponse
        {
            Content = new ContentDescriptor
            {
                Digest = disk.Content.Digest,
                VirtualSizeBytes = disk.Content.VirtualSize,
                OccupiedSizeBytes = disk.Content.OccupiedSize,
            },
            Format = format,
            FileSizeBytes = view.Length,
            Tag = DiskViews.TagOf(disk.Content.Digest, format),
        };
    }

    private static ReadBlocksResponse ToMessage(ReadOnlySpan<BlockRef> refs, byte[] buffer, RepeatedField<ByteString> digests, int first)
    {
        var response = new ReadBlocksResponse();
        var at = 0;
        for (var i = 0; i < refs.Length; i++)
        {
            var data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(at, refs[i].Length));
            response.Blocks.Add(new Block { Digest = digests[first + i], Data = data });
            at += refs[i].Length;
        }

        return response;
    }

    private async Task<ReadableDisk> RequireDiskAsync(string replica, DiskSlot? diskSlot, ServerCallContext context)
    {
        var id = RequestChecks.RequireId(replica, "replica_id");
        await context.GetHttpContext().RequireGrantAsync(GrantClaims.Read, id);
        var slot = RequestChecks.SlotName(diskSlot) ?? "os";
        return slot.Length > 0
            ? ReplicaDisks.Require(replicas, id, slot)
            : throw GalleryError.InvalidParameter("slot", "os_disk = true, or data_disk_lun from 0 to 63");
    }

    private async Task<(BlockDigest Content, RegionStore Store)> RequireContentAsync(string digest, ServerCallContext context)
    {
        var content = RequestChecks.RequireContent(digest, "content_digest");
        await context.GetHttpContext().RequireGrantAsync(GrantClaims.Pull, digest);
        var store = held.Find(content);
        return store is null
            ? throw new RegionException(ErrorReason.ContentNotFound, $"The node does not hold the content {digest}.")
            : (content, store);
    }
}
