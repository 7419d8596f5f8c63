using System.Buffers;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Access;
using Gallery.Region.Blocks;
using Gallery.Region.Node;
using Gallery.Region.Stores;
using Gallery.ServiceDefaults.Access;
using Grpc.Core;

namespace Gallery.Region.Content;

/// <summary>
/// Blocks in bulk for other nodes: `POST /v1/contents/{digest}/blocks` with `Authorization: Bearer {pull grant}`. The body is the digests of the
/// blocks, 32 bytes each, back to back; the answer is the blocks, back to back in the same order. It is `ContentService.ReadBlocks` without
/// messages around the bytes, which lets both ends move them without copying. Blocks are not checked here, since whoever takes them does: one
/// that fails there is asked for again by `ReadBlocks`, which checks, repairs, and says what is wrong.
/// </summary>
internal static class BlocksEndpoint
{
    /// <summary>Blocks that one request may ask for.</summary>
    public const int MaxBlocks = 16384;

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
            await SendAsync(http, store, await ReadDigestsAsync(http.Request));
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

    private async Task SendAsync(HttpContext http, RegionStore store, BlockDigest[] digests)
    {
        var blocks = store.FindBlocks(digests);
        http.Response.ContentType = "application/octet-stream";
        http.Response.ContentLength = blocks.Sum(block => (long)block.Length);
        var buffer = ArrayPool<byte>.Shared.Rent(BlocksPerRead * BlockLayout.BlockSize);
        try
        {
            for (var first = 0; first < blocks.Length; first += BlocksPerRead)
            {
                var some = blocks.AsMemory(first, Math.Min(BlocksPerRead, blocks.Length - first));
                await store.Blocks.ReadUncheckedAsync(some, buffer, http.RequestAborted);
                var length = BlockRef.LengthOf(some.Span);
                await http.Response.BodyWriter.WriteAsync(buffer.AsMemory(0, length), http.RequestAborted);
                telemetry.Served(length, "node");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<BlockDigest[]> ReadDigestsAsync(HttpRequest request)
    {
        var length = request.ContentLength ?? 0;
        if (length is <= 0 or > BlocksEndpoint.MaxBlocks * BlockDigest.Size || length % BlockDigest.Size != 0)
        {
            throw new RegionException(
                ErrorReason.InvalidParameter,
                $"The body must be 1 to {BlocksEndpoint.MaxBlocks} digests of {BlockDigest.Size} bytes each, and Content-Length say so."
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
