using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Links;
using Gallery.Region.Stores;
using Gallery.Region.Transfers;
using Gallery.ServiceDefaults.Resilience;
using Google.Protobuf;
using Grpc.Core;

namespace Gallery.Region.Content;

/// <summary>A content of another node, taken over gRPC. Nothing it sends is believed before it was checked.</summary>
/// <param name="region">The region that the node is in.</param>
/// <param name="invoker">Calls to the node.</param>
/// <param name="grant">The pull grant. A secret.</param>
/// <param name="bulk">Takes blocks in bulk; null when the node has no HTTP address, and all come over gRPC.</param>
/// <param name="batches">Buffers.</param>
/// <param name="limiter">Bounds the bytes a second.</param>
/// <param name="link">Measures how fast they come.</param>
/// <param name="timeout">A node that sends nothing for so long is given up.</param>
internal sealed class RemoteSource(
    string region,
    CallInvoker invoker,
    string grant,
    BlocksClient? bulk,
    IBatchLender batches,
    LinkLimiter limiter,
    LinkMeter link,
    TimeSpan timeout
) : IContentSource
{
    /// <inheritdoc/>
    public string Region => region;

    /// <inheritdoc/>
    public int BlocksPerRequest => 1024;

    /// <inheritdoc/>
    public int Concurrency => 2;

    /// <inheritdoc/>
    public IBatchLender Batches => batches;

    /// <inheritdoc/>
    public async ValueTask ReadNodesAsync(
        BlockDigest content,
        IReadOnlyList<BlockDigest> nodes,
        Func<BlockDigest, ReadOnlyMemory<byte>, ValueTask> receive,
        CancellationToken cancellationToken
    )
    {
        var request = new ReadManifestNodesRequest { ContentDigest = content.ToString() };
        request.NodeDigests.AddRange(nodes.Select(node => ByteString.CopyFrom(node.ToArray())));
        await StreamAsync(
            options => new ContentService.ContentServiceClient(invoker).ReadManifestNodes(request, options),
            async (response, _) =>
            {
                foreach (var node in response.Nodes)
                {
                    await receive(DigestOf(node.Digest), node.Data.Memory);
                }
            },
            cancellationToken
        );
    }

    /// <inheritdoc/>
    public async ValueTask CopyBlocksAsync(
        BlockDigest content,
        BlockRun run,
        IBlockStore target,
        Action<long> written,
        CancellationToken cancellationToken
    )
    {
        if (bulk is null)
        {
            await ReadBlocksAsync(content, run.Blocks, target, written, cancellationToken);
        }
        else if (!await TryCopyInBulkAsync(content, run, target, written, cancellationToken))
        {
            var lacking = run.Blocks.ToArray().Where(block => !target.Holds(block.Digest)).ToArray();
            await ReadBlocksAsync(content, lacking, target, written, cancellationToken);
        }
    }

    private static BlockDigest DigestOf(ByteString bytes) => BlockDigest.TryRead(bytes.Span, out var digest) ? digest : default;

    private async ValueTask<bool> TryCopyInBulkAsync(
        BlockDigest content,
        BlockRun run,
        IBlockStore target,
        Action<long> written,
        CancellationToken cancellationToken
    )
    {
        await using var receiver = new BlockReceiver(target, batches, written);
        try
        {
            if (!await bulk!.TryReceiveAsync(content, run, target, receiver, cancellationToken))
            {
                return false;
            }

            await receiver.CompleteAsync(cancellationToken);
            return true;
        }
        catch (RegionException exception)
            when (exception.Reason is ErrorReason.DigestMismatch or ErrorReason.ContentNotFound or ErrorReason.ContentCorrupt)
        {
            return false;
        }
    }

    /// <summary>Takes blocks by the rpc: the node checks each, repairs what it can, and says what is wrong with the others.</summary>
    private async ValueTask ReadBlocksAsync(
        BlockDigest content,
        ReadOnlyMemory<BlockRef> blocks,
        IBlockWriter target,
        Action<long> written,
        CancellationToken cancellationToken
    )
    {
        var request = new ReadBlocksRequest { ContentDigest = content.ToString() };
        foreach (ref readonly var block in blocks.Span)
        {
            request.BlockDigests.Add(ByteString.CopyFrom(block.Digest.ToArray()));
        }

        await using var receiver = new BlockReceiver(target, batches, written);
        var next = 0;
        await StreamAsync(
            options => invoker.AsyncServerStreamingCall(BlocksFrame.Method, null, options, request),
            async (frame, token) =>
            {
                using (frame)
                {
                    foreach (var block in frame.Blocks)
                    {
                        var expected = next < blocks.Length ? blocks.Span[next++] : default;
                        if (expected.Length == 0 || block.Encoding != BlockEncoding.Unspecified || block.Digest != expected.Digest)
                        {
                            throw Failure(ErrorReason.ContentCorrupt, "sent a block that was not asked for.");
                        }

                        link.Received(block.Length);
                        await link.WaitAsync(limiter.WaitAsync(block.Length, token));
                        await receiver.AddAsync(expected, frame.BytesOf(block), token);
                    }
                }
            },
            cancellationToken
        );
        await receiver.CompleteAsync(cancellationToken);
        if (next != blocks.Length)
        {
            throw Failure(ErrorReason.ContentNotFound, $"sent {next} of {blocks.Length} blocks.");
        }
    }

    /// <summary>Reads a stream to its end. A node that sends nothing for too long is given up; time spent on what it sent does not count.</summary>
    private async Task StreamAsync<T>(
        Func<CallOptions, AsyncServerStreamingCall<T>> open,
        Func<T, CancellationToken, ValueTask> receive,
        CancellationToken cancellationToken
    )
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var headers = new Metadata { { "authorization", $"Bearer {grant}" } };
        silence.CancelAfter(timeout);
        try
        {
            using var call = open(new CallOptions(headers, cancellationToken: silence.Token));
            while (await link.WaitAsync(new ValueTask<bool>(call.ResponseStream.MoveNext(silence.Token))))
            {
                silence.CancelAfter(Timeout.InfiniteTimeSpan);
                await receive(call.ResponseStream.Current, cancellationToken);
                silence.CancelAfter(timeout);
            }
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Translate(exception);
        }
    }

    private RegionException Translate(Exception exception) =>
        exception is not RpcException rpc
            ? Failure(ErrorReason.RegionUnavailable, $"sent nothing for {timeout.TotalSeconds:f0} seconds.", exception)
            : rpc.StatusCode switch
            {
                StatusCode.NotFound => Failure(ErrorReason.ContentNotFound, $"says: {rpc.Status.Detail}", rpc),
                StatusCode.DataLoss => Failure(ErrorReason.ContentCorrupt, $"says: {rpc.Status.Detail}", rpc),
                StatusCode.PermissionDenied or StatusCode.Unauthenticated => Failure(
                    ErrorReason.GrantNotValid,
                    $"says: {rpc.Status.Detail}",
                    rpc
                ),
                StatusCode.Cancelled => Failure(ErrorReason.RegionUnavailable, $"sent nothing for {timeout.TotalSeconds:f0} seconds.", rpc),
                _ when rpc.Status.DebugException is not null => Failure(
                    ErrorReason.RegionUnavailable,
                    $"does not answer ({Silence.Describe(rpc)}).",
                    rpc
                ),
                _ => Failure(ErrorReason.RegionUnavailable, $"does not answer: {rpc.Status.Detail}", rpc),
            };

    private RegionException Failure(ErrorReason reason, string what, Exception? inner = null) =>
        RegionException.OfSource(region, reason, what, inner);
}
