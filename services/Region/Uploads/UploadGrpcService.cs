using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Access;
using Gallery.Region.Blocks;
using Gallery.Region.Node;
using Gallery.Region.Stores;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;

namespace Gallery.Region.Uploads;

/// <summary>Takes in files from whoever holds an upload grant, and makes contents of them for Replication.</summary>
internal sealed class UploadGrpcService(UploadManager uploads, StoreCollector collector, RegionTelemetry telemetry)
    : UploadService.UploadServiceBase
{
    private const int MaxDeclared = 16384;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    [AllowAnonymous]
    public override async Task<StartUploadResponse> StartUpload(StartUploadRequest request, ServerCallContext context)
    {
        var id = await RequireUploadAsync(request.UploadId, context);
        if (request.Format is < DiskFormat.Unspecified or > DiskFormat.Qcow2)
        {
            throw GalleryError.InvalidParameter("format", "a known disk format, or none");
        }

        if (request.FileSizeBytes <= 0)
        {
            throw GalleryError.InvalidParameter("file_size_bytes", "the length of the file, 512 or more");
        }

        var record = await uploads.StartAsync(id, request.FileSizeBytes, request.Format, context.CancellationToken);
        return new StartUploadResponse
        {
            Upload = await ToMessageAsync(record, context.CancellationToken),
            BlockSizeBytes = BlockLayout.BlockSize,
            MaxDeclaredBlocksPerCall = MaxDeclared,
        };
    }

    /// <inheritdoc/>
    [AllowAnonymous]
    public override async Task<DeclareBlocksResponse> DeclareBlocks(DeclareBlocksRequest request, ServerCallContext context)
    {
        var id = await RequireUploadAsync(request.UploadId, context);
        if (request.Blocks.Count > MaxDeclared)
        {
            throw GalleryError.InvalidParameter("blocks", $"at most {MaxDeclared} blocks");
        }

        var count = BlockLayout.CountOf(uploads.Get(id).FileSize);
        var blocks = new KeyValuePair<long, BlockDigest>[request.Blocks.Count];
        for (var i = 0; i < blocks.Length; i++)
        {
            var block = request.Blocks[i];
            if (block.Index < 0 || block.Index >= count)
            {
                throw GalleryError.InvalidParameter($"blocks[{i}].index", $"0 to {count - 1}");
            }

            if (!BlockDigest.TryRead(block.Digest.Span, out var digest) || digest.IsHole)
            {
                throw GalleryError.InvalidParameter($"blocks[{i}].digest", "a SHA-256 digest of 32 bytes");
            }

            blocks[i] = new(block.Index, digest);
        }

        var response = new DeclareBlocksResponse();
        response.MissingIndexes.AddRange(await uploads.DeclareAsync(id, blocks, context.CancellationToken));
        return response;
    }

    /// <inheritdoc/>
    [AllowAnonymous]
    public override async Task<WriteBlocksResponse> WriteBlocks(
        IAsyncStreamReader<WriteBlocksRequest> requestStream,
        ServerCallContext context
    )
    {
        if (!await requestStream.MoveNext(context.CancellationToken))
        {
            throw GalleryError.InvalidParameter("upload_id", "needed in the first message");
        }

        var id = await RequireUploadAsync(requestStream.Current.UploadId, context);
        await using var writer = uploads.OpenWriter(id);
        do
        {
            if (requestStream.Current.UploadId is { Length: > 0 } again && again != id)
            {
                throw GalleryError.InvalidParameter("upload_id", "the same in all messages of a call");
            }

            foreach (var block in requestStream.Current.Blocks)
            {
                await writer.AddAsync(block.Index, block.Data.Memory, context.CancellationToken);
            }
        } while (await NextAsync(requestStream, writer, context.CancellationToken));

        await uploads.FinishWriterAsync(id, writer, context.CancellationToken);
        telemetry.Uploaded(writer.NewBytes);
        return new WriteBlocksResponse { WrittenBlockCount = writer.Blocks, WrittenBytes = writer.Bytes };
    }

    /// <inheritdoc/>
    [AllowAnonymous]
    public override async Task<GetUploadResponse> GetUpload(GetUploadRequest request, ServerCallContext context)
    {
        var id = await RequireUploadAsync(request.UploadId, context);
        return new GetUploadResponse { Upload = await ToMessageAsync(uploads.Get(id), context.CancellationToken) };
    }

    /// <inheritdoc/>
    public override async Task<CommitUploadResponse> CommitUpload(CommitUploadRequest request, ServerCallContext context)
    {
        context.RequireService("replication");
        var id = RequestChecks.RequireId(request.UploadId, "upload_id");
        var record = await uploads.CommitAsync(id, context.CancellationToken);
        return new CommitUploadResponse
        {
            Upload = await ToMessageAsync(record, context.CancellationToken),
            DetectedFormat = record.Content!.Format,
        };
    }

    /// <inheritdoc/>
    public override async Task<DeleteUploadResponse> DeleteUpload(DeleteUploadRequest request, ServerCallContext context)
    {
        context.RequireService("replication");
        var id = RequestChecks.RequireId(request.UploadId, "upload_id");
        if (await uploads.DeleteAsync(id, context.CancellationToken))
        {
            collector.Request(StoreName.Snapshots);
        }

        return new DeleteUploadResponse();
    }

    private static async Task<bool> NextAsync(
        IAsyncStreamReader<WriteBlocksRequest> requestStream,
        UploadWriter writer,
        CancellationToken cancellationToken
    )
    {
        var next = requestStream.MoveNext(cancellationToken);
        if (!next.IsCompleted && await Task.WhenAny(next, Task.Delay(Pause, cancellationToken)) != next)
        {
            await writer.PauseAsync(cancellationToken);
        }

        return await next;
    }

    private static async Task<string> RequireUploadAsync(string uploadId, ServerCallContext context)
    {
        var id = RequestChecks.RequireId(uploadId, "upload_id");
        await context.GetHttpContext().RequireGrantAsync(GrantClaims.Upload, id);
        return id;
    }

    private async Task<Upload> ToMessageAsync(UploadRecord record, CancellationToken cancellationToken)
    {
        var (declared, missing) = await uploads.CountAsync(record.Id, cancellationToken);
        return new Upload
        {
            UploadId = record.Id,
            FileSizeBytes = record.FileSize,
            Format = record.Format,
            DeclaredBlockCount = declared,
            MissingBlockCount = missing,
            CreateTime = record.CreateTime.ToTimestamp(),
            ExpireTime = record.ExpireTime.ToTimestamp(),
            ReceivedBytes = record.ReceivedBytes,
            Content = record.Content is { } content
                ? new ContentDescriptor
                {
                    Digest = content.Digest,
                    VirtualSizeBytes = content.VirtualSize,
                    OccupiedSizeBytes = content.OccupiedSize,
                }
                : null,
        };
    }
}
