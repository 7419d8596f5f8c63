using System.Buffers;
using System.Security.Cryptography;
using Gallery.Cli.Progress;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Google.Protobuf;
using Grpc.Core;

namespace Gallery.Cli.Uploads;

/// <summary>
/// Sends a file to a node. The life of a block: its stretch of the file is known to hold data, it is read, it is not all zero, it is hashed
/// and declared, and only if the node lacks it, it is sent; where the node lacked all before it, it is sent at once. The work is cut into batches
/// that are independent of each other: each is declared and sent by itself, several at once, so that hashing and sending overlap; and each can
/// be repeated by itself, which after a cut sends just what is still lacking.
/// </summary>
internal sealed class DiskUploader(DiskFile file, NodeAccess node, TransferOptions options, IProgress<TransferProgress> progress)
{
    private readonly Novelty novelty = new();
    private long total;
    private long done;
    private long moved;

    /// <summary>Sends all of the file that the node lacks. Afterwards the upload can be committed.</summary>
    /// <returns>Bytes that were sent.</returns>
    /// <exception cref="CommandFailure">The file was changed meanwhile.</exception>
    public async Task<long> SendAsync(DiskFormat format, CancellationToken cancellation)
    {
        await node.DoAsync((grant, ct) => StartAsync(grant, format, ct), cancellation);
        var extents = FileExtents.WithData(file.Handle, file.Length, TransferOptions.BlockSize).ToList();
        total = extents.Sum(extent => extent.Length);
        done = 0;
        Report();
        var limits = new ParallelOptions { MaxDegreeOfParallelism = options.Parallelism, CancellationToken = cancellation };
        await Parallel.ForEachAsync(Batch.Cut(extents, options.BatchBlocks), limits, async (batch, ct) => await SendAsync(batch, ct));
        file.RequireUnchanged();
        return moved;
    }

    private async Task<Upload> StartAsync(NodeGrant grant, DiskFormat format, CancellationToken cancellation)
    {
        var request = new StartUploadRequest
        {
            UploadId = grant.ResourceId,
            FileSizeBytes = file.Length,
            Format = format,
        };
        var answer = await new UploadService.UploadServiceClient(grant.Invoker).StartUploadAsync(
            request,
            grant.Headers,
            cancellationToken: cancellation
        );
        return answer.BlockSizeBytes == TransferOptions.BlockSize
            ? answer.Upload
            : throw CommandFailure.Failed(
                $"The node works with blocks of {answer.BlockSizeBytes} bytes, this program with {TransferOptions.BlockSize}.",
                "Use a 'gallery' of the node's version."
            );
    }

    private async Task SendAsync(Batch batch, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(options.BatchBlocks * TransferOptions.BlockSize);
        var blocks = Read(batch, buffer);
        if (blocks.Count > 0)
        {
            await node.DoAsync((grant, ct) => SendAsync(grant, blocks, ct), cancellation);
        }

        // Given back only when nothing went wrong: a call that was broken off may still be reading from it.
        ArrayPool<byte>.Shared.Return(buffer);
        Interlocked.Add(ref done, batch.Length);
        Report();
    }

    /// <summary>Reads the blocks of a batch, but for those that are all zero.</summary>
    private List<DataBlock> Read(Batch batch, byte[] buffer)
    {
        var blocks = new List<DataBlock>(options.BatchBlocks);
        var filled = 0;
        foreach (var extent in batch.Extents)
        {
            file.Read(extent.Offset, buffer.AsSpan(filled, (int)extent.Length));
            for (var offset = 0; offset < extent.Length; offset += TransferOptions.BlockSize)
            {
                var data = buffer.AsMemory(filled + offset, (int)Math.Min(TransferOptions.BlockSize, extent.Length - offset));
                if (data.Span.ContainsAnyExcept((byte)0))
                {
                    blocks.Add(new DataBlock((extent.Offset + offset) / TransferOptions.BlockSize, data));
                }
            }

            filled += (int)extent.Length;
        }

        return blocks;
    }

    private async Task<long> SendAsync(NodeGrant grant, List<DataBlock> blocks, CancellationToken cancellation)
    {
        if (grant.Bulk is { IsSlow: false } bulk && novelty.TryTakeAsNew())
        {
            if (await bulk.TrySendUndeclaredAsync(blocks, Moved, cancellation))
            {
                return blocks.Sum(block => (long)block.Data.Length);
            }

            novelty.Refuse();
        }

        return await SendLackingAsync(grant, blocks, cancellation);
    }

    private async Task<long> SendLackingAsync(NodeGrant grant, List<DataBlock> blocks, CancellationToken cancellation)
    {
        var client = new UploadService.UploadServiceClient(grant.Invoker);
        var declaration = new DeclareBlocksRequest { UploadId = grant.ResourceId };
        foreach (var block in blocks)
        {
            var digest = UnsafeByteOperations.UnsafeWrap(SHA256.HashData(block.Data.Span));
            declaration.Blocks.Add(new DeclaredBlock { Index = block.Index, Digest = digest });
        }

        var answer = await client.DeclareBlocksAsync(declaration, grant.Headers, cancellationToken: cancellation);
        novelty.Learn(blocks.Count, answer.MissingIndexes.Count);
        if (answer.MissingIndexes.Count == 0)
        {
            return 0;
        }

        var missing = answer.MissingIndexes.ToHashSet();
        var lacking = blocks.Where(block => missing.Contains(block.Index)).ToList();
        if (grant.Bulk is { } bulk && await bulk.TrySendAsync(lacking, isDelta: lacking.Count * 2 <= blocks.Count, Moved, cancellation))
        {
            return lacking.Sum(block => (long)block.Data.Length);
        }

        using var call = client.WriteBlocks(grant.Headers, cancellationToken: cancellation);
        foreach (var part in lacking.Chunk(options.MessageBlocks))
        {
            var message = new WriteBlocksRequest { UploadId = grant.ResourceId };
            foreach (var block in part)
            {
                message.Blocks.Add(new UploadedBlock { Index = block.Index, Data = UnsafeByteOperations.UnsafeWrap(block.Data) });
            }

            if (!await TryWriteAsync(call, message, cancellation))
            {
                break; // The node has ended the call; its answer says why.
            }

            Moved(part.Sum(block => (long)block.Data.Length));
        }

        await TryCompleteAsync(call);
        return (await call.ResponseAsync).WrittenBytes;
    }

    private static async Task<bool> TryWriteAsync(
        AsyncClientStreamingCall<WriteBlocksRequest, WriteBlocksResponse> call,
        WriteBlocksRequest message,
        CancellationToken cancellation
    )
    {
        try
        {
            await call.RequestStream.WriteAsync(message, cancellation);
            return true;
        }
        catch (Exception ended) when (HasEnded(ended))
        {
            return false;
        }
    }

    private static async Task TryCompleteAsync(AsyncClientStreamingCall<WriteBlocksRequest, WriteBlocksResponse> call)
    {
        try
        {
            await call.RequestStream.CompleteAsync();
        }
        catch (Exception ended) when (HasEnded(ended))
        {
            // The call has ended already; its answer says why.
        }
    }

    /// <summary>What a stream throws at its writer when the call is over, depending on how it ended.</summary>
    private static bool HasEnded(Exception ended) =>
        ended is RpcException or IOException or InvalidOperationException or OperationCanceledException;

    private void Moved(long bytes)
    {
        Interlocked.Add(ref moved, bytes);
        Report();
    }

    private void Report() => progress.Report(new TransferProgress(Interlocked.Read(ref done), total, Interlocked.Read(ref moved)));
}
