using System.Buffers;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Access;
using Gallery.Region.Blocks;
using Gallery.Region.Node;
using Gallery.Region.Stores;
using Gallery.Region.Transfers;
using Gallery.ServiceDefaults.Access;
using Grpc.Core;
using ZstdSharp;

namespace Gallery.Region.Content;

/// <summary>
/// Blocks in bulk for other nodes: `POST /v1/contents/{digest}/blocks` with `Authorization: Bearer {pull grant}`. The body is the digests of the
/// blocks, 32 bytes each, back to back; the answer is the blocks, back to back in the same order. It is `ContentService.ReadBlocks` without
/// messages around the bytes, which lets both ends move them without copying. Blocks are not checked here, since whoever takes them does: one
/// that fails there is asked for again by `ReadBlocks`, which checks, repairs, and says what is wrong.
///
/// With `?deltas=true` each digest is followed by that of a block that the asker has in its place, or by zeros; and each block of the answer by a
/// byte in front of it: 0 and the block, or 1 and its <see cref="BlockDelta"/> to the block that the asker has. With `Accept-Encoding: zstd`
/// the answer is compressed.
/// </summary>
internal static class BlocksEndpoint
{
    /// <summary>Blocks that one request may ask for.</summary>
    public const int MaxBlocks = 16384;

    /// <summary>Stands before a block that comes whole.</summary>
    public const byte Whole = 0;

    /// <summary>Stands before a delta.</summary>
    public const byte Delta = 1;

    /// <summary>The query that asks for deltas.</summary>
    public const string DeltasQuery = "deltas";

    /// <summary>Maps the endpoint.</summary>
    public static void MapBlocks(this WebApplication app) =>
        app.MapPost(PathOf("{content}"), (HttpContext http, string content, BlocksSender sender) => sender.AnswerAsync(http, content))
            .AllowAnonymous();

    /// <summary>Path of the endpoint for a content.</summary>
    public static string PathOf(string content) => $"/v1/contents/{content}/blocks";
}

/// <summary>Answers requests for blocks.</summary>
internal sealed partial class BlocksSender(HeldContents held, RegionTelemetry telemetry, ILogger<BlocksSender> logger)
{
    private const int BlocksPerRead = 16;
    private const int Level = 1;

    /// <summary>Answers one.</summary>
    public async Task AnswerAsync(HttpContext http, string digest)
    {
        try
        {
            var content = RequestChecks.RequireContent(digest, "content");
            await http.RequireGrantAsync(GrantClaims.Pull, digest);
            var store =
                held.Find(content)
                ?? throw new RegionException(ErrorReason.ContentNotFound, $"The node does not hold the content {digest}.");
            var deltas = http.Request.Query[BlocksEndpoint.DeltasQuery] == "true";
            var digests = await ReadDigestsAsync(http.Request, deltas);
            await SendAsync(http, store, digests, deltas);
        }
        catch (RegionException exception) when (!http.Response.HasStarted)
        {
            await HttpRefusal.WriteAsync(http, exception);
        }
        catch (RpcException exception) when (!http.Response.HasStarted)
        {
            await HttpRefusal.WriteAsync(http, exception);
        }
        catch (RegionException exception)
        {
            // The length was promised. The other node asks again for what did not come, and is told why.
            LogBroken(exception, digest);
            http.Abort();
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The other node went away.
        }
    }

    private async Task SendAsync(HttpContext http, RegionStore store, BlockDigest[] digests, bool deltas)
    {
        var (wanted, earlier) = deltas ? BlockPairs.Split(digests) : (digests, []);
        var blocks = store.FindBlocks(wanted);
        http.Response.ContentType = "application/octet-stream";
        var packed = http.Request.Headers.AcceptEncoding == ZstdWire.Name;
        if (packed)
        {
            http.Response.Headers.ContentEncoding = ZstdWire.Name;
            await using var zstd = new CompressionStream(http.Response.Body, Level);
            await SendAsync(store, blocks, earlier, zstd, http.RequestAborted);
        }
        else
        {
            http.Response.ContentLength = deltas ? null : blocks.Sum(block => (long)block.Length);
            await SendAsync(store, blocks, earlier, http.Response.Body, http.RequestAborted);
        }
    }

    private async Task SendAsync(
        RegionStore store,
        BlockRef[] blocks,
        BlockDigest[] earlier,
        Stream answer,
        CancellationToken cancellationToken
    )
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BlocksPerRead * BlockLayout.BlockSize);
        using var deltas = earlier.Length > 0 ? new DeltaWriter(store, answer) : null;
        try
        {
            for (var first = 0; first < blocks.Length; first += BlocksPerRead)
            {
                var some = blocks.AsMemory(first, Math.Min(BlocksPerRead, blocks.Length - first));
                await store.Blocks.ReadUncheckedAsync(some, buffer, cancellationToken);
                var length = Sized.LengthOf<BlockRef>(some.Span);
                if (deltas is null)
                {
                    await answer.WriteAsync(buffer.AsMemory(0, length), cancellationToken);
                }
                else
                {
                    await deltas.WriteAsync(some, earlier.AsMemory(first, some.Length), buffer, cancellationToken);
                }

                telemetry.Served(length, "node");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<BlockDigest[]> ReadDigestsAsync(HttpRequest request, bool pairs)
    {
        var length = request.ContentLength ?? 0;
        var size = pairs ? 2 * BlockDigest.Size : BlockDigest.Size;
        if (length <= 0 || length > (long)BlocksEndpoint.MaxBlocks * size || length % size != 0)
        {
            throw new RegionException(
                ErrorReason.InvalidParameter,
                $"The body must be 1 to {BlocksEndpoint.MaxBlocks} times {size} bytes of digests, and Content-Length say so."
            );
        }

        var bytes = new byte[length];
        await request.Body.ReadExactlyAsync(bytes, request.HttpContext.RequestAborted);
        var digests = new BlockDigest[length / BlockDigest.Size];
        for (var i = 0; i < digests.Length; i++)
        {
            digests[i] = new BlockDigest(bytes.AsSpan(i * BlockDigest.Size));
        }

        return digests;
    }

    [LoggerMessage(1, LogLevel.Error, "Blocks of the content {Content} could not be read to the end")]
    private partial void LogBroken(Exception exception, string content);
}
