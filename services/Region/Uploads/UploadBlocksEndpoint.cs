using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Access;
using Gallery.Region.Blocks;
using Gallery.Region.Content;
using Gallery.Region.Node;
using Gallery.Region.Transfers;
using Gallery.ServiceDefaults.Access;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using ZstdSharp;

namespace Gallery.Region.Uploads;

/// <summary>
/// Blocks in bulk from clients: `POST /v1/uploads/{upload}/blocks` with `Authorization: Bearer {upload grant}`. The body is the number of blocks
/// (4 bytes), their positions in the file (8 bytes each), all little-endian, and then the blocks back to back; with `Content-Encoding: zstd` all of
/// it compressed, with a window of at most 8 MiB. The answer is 204, and then everything sent is durable. It is `UploadService.WriteBlocks`
/// without messages around the bytes.
/// <para>
/// With `?declare=true` the blocks need not have been declared: behind the positions stands the XXH3 checksum of each block (8 bytes each), and the
/// node finds the digests and declares them. So a disk of which little is known to the node is read and hashed but once.
/// </para>
/// </summary>
internal static class UploadBlocksEndpoint
{
    /// <summary>Maps the endpoint.</summary>
    public static void MapUploads(this WebApplication app) =>
        app.MapPost(
                "/v1/uploads/{upload}/blocks",
                (HttpContext http, string upload, UploadBlocksReceiver receiver) => receiver.AnswerAsync(http, upload)
            )
            .AllowAnonymous();
}

/// <summary>Answers requests that bring blocks.</summary>
internal sealed class UploadBlocksReceiver(UploadManager uploads, RegionTelemetry telemetry)
{
    private const int MaxBlocks = 16384;
    private const int BlocksPerRead = 8;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Answers one.</summary>
    public async Task AnswerAsync(HttpContext http, string upload)
    {
        try
        {
            var id = RequestChecks.RequireId(upload, "upload");
            await http.RequireGrantAsync(GrantClaims.Upload, id);
            if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            {
                limit.MaxRequestBodySize = null;
            }

            await (IsPacked(http.Request) ? ReceivePackedAsync(http, id) : ReceiveAsync(http, id, http.Request.BodyReader));
            http.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        catch (RegionException exception)
        {
            await HttpRefusal.WriteAsync(http, exception);
        }
        catch (RpcException exception)
        {
            await HttpRefusal.WriteAsync(http, exception);
        }
        catch (ZstdException exception)
        {
            await HttpRefusal.WriteAsync(
                http,
                NotAsDescribed(
                    $"it can't be unpacked as zstd with a window of at most {ZstdWire.LargestWindowMib} MiB ({exception.Message})"
                )
            );
        }
        catch (EndOfStreamException)
        {
            await HttpRefusal.WriteAsync(http, NotAsDescribed("it ends too early"));
        }
        catch (Exception exception)
            when (exception is OperationCanceledException or IOException && http.RequestAborted.IsCancellationRequested)
        {
            // The client went away; what it sent whole is kept.
        }
    }

    private static RegionException NotAsDescribed(string why) =>
        new(
            ErrorReason.InvalidParameter,
            $"The body must be a count of 1 to {MaxBlocks} (4 bytes), so many positions (8 bytes each) and the blocks at them: {why}."
        );

    private static bool IsPacked(HttpRequest request) =>
        request.Headers.ContentEncoding.ToString() switch
        {
            "" or "identity" => false,
            ZstdWire.Name => true,
            _ => throw new RegionException(ErrorReason.InvalidParameter, $"Content-Encoding must be {ZstdWire.Name}, or nothing."),
        };

    private static bool MayDeclare(HttpRequest request) =>
        request.Query["declare"].ToString() switch
        {
            "" or "false" => false,
            "true" => true,
            _ => throw new RegionException(ErrorReason.InvalidParameter, "declare must be true or false."),
        };

    private async Task ReceivePackedAsync(HttpContext http, string id)
    {
        await using var unpacked = ZstdWire.Unpack(http.Request.Body);
        var body = PipeReader.Create(
            unpacked,
            new StreamPipeReaderOptions(bufferSize: 256 * 1024, minimumReadSize: BlockLayout.BlockSize, leaveOpen: true)
        );
        try
        {
            await ReceiveAsync(http, id, body);
        }
        finally
        {
            await body.CompleteAsync();
        }
    }

    private Task ReceiveAsync(HttpContext http, string id, PipeReader body) =>
        MayDeclare(http.Request)
            ? ReceiveUndeclaredAsync(id, body, http.RequestAborted)
            : ReceiveDeclaredAsync(id, body, http.RequestAborted);

    private async Task ReceiveDeclaredAsync(string id, PipeReader body, CancellationToken cancellationToken)
    {
        await using var writer = uploads.OpenWriter(id);
        var blocks = writer.Expect(await ReadPositionsAsync(body, cancellationToken));
        await FillAsync(body, writer.Receiver, blocks, cancellationToken);
        await uploads.FinishWriterAsync(id, writer, cancellationToken);
        telemetry.Uploaded(writer.NewBytes);
    }

    private async Task ReceiveUndeclaredAsync(string id, PipeReader body, CancellationToken cancellationToken)
    {
        var positions = await ReadPositionsAsync(body, cancellationToken);
        var checksums = await ReadNumbersAsync(body, positions.Length, cancellationToken);
        var (receiver, blocks) = uploads.OpenReceiver(id, positions, Array.ConvertAll(checksums, checksum => (ulong)checksum));
        await using (receiver)
        {
            await FillAsync(body, receiver, blocks, cancellationToken);
            await uploads.FinishReceiverAsync(id, receiver, cancellationToken);
        }

        telemetry.Uploaded(receiver.NewBytes);
    }

    private static async Task FillAsync<TBlock>(
        PipeReader body,
        BatchReceiver<TBlock> receiver,
        ReadOnlyMemory<TBlock> blocks,
        CancellationToken cancellationToken
    )
        where TBlock : struct, ISized
    {
        while (blocks.Length > 0)
        {
            // Bytes wait in the connection's buffer until blocks are whole: a slow client must not keep a batch from others.
            var length = Sized.LengthOf(blocks.Span[..Math.Min(BlocksPerRead, blocks.Length)]);
            var next = body.ReadAtLeastAsync(length, cancellationToken).AsTask();
            if (!next.IsCompleted && await Task.WhenAny(next, Task.Delay(Pause, cancellationToken)) != next)
            {
                await DispatchAsync(receiver, body, next, cancellationToken);
            }

            blocks = await TakeAsync(body, await next, blocks, receiver, cancellationToken);
        }
    }

    private static async Task DispatchAsync<TBlock>(
        BatchReceiver<TBlock> receiver,
        PipeReader body,
        Task<ReadResult> next,
        CancellationToken cancellationToken
    )
        where TBlock : struct, ISized
    {
        try
        {
            await receiver.DispatchAsync(cancellationToken);
        }
        catch
        {
            // Nothing may still read from a body that is given up.
            body.CancelPendingRead();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    /// <summary>Takes the blocks that came whole.</summary>
    /// <returns>The others.</returns>
    private static async Task<ReadOnlyMemory<TBlock>> TakeAsync<TBlock>(
        PipeReader body,
        ReadResult read,
        ReadOnlyMemory<TBlock> blocks,
        BatchReceiver<TBlock> receiver,
        CancellationToken cancellationToken
    )
        where TBlock : struct, ISized
    {
        var bytes = read.Buffer;
        try
        {
            if (bytes.Length < blocks.Span[0].Length)
            {
                throw new EndOfStreamException();
            }

            while (blocks.Length > 0 && bytes.Length >= blocks.Span[0].Length)
            {
                var (count, place) = await receiver.ReserveAsync(WholeBlocks(blocks, bytes.Length), cancellationToken);
                bytes.Slice(0, place.Length).CopyTo(place.Span);
                bytes = bytes.Slice(place.Length);
                blocks = blocks[count..];
            }

            return blocks;
        }
        finally
        {
            // Also when it is refused: the server reads on to the end of the body, so that the answer gets through.
            body.AdvanceTo(bytes.Start);
        }
    }

    /// <summary>As many of the blocks as so many bytes hold.</summary>
    private static ReadOnlyMemory<TBlock> WholeBlocks<TBlock>(ReadOnlyMemory<TBlock> blocks, long bytes)
        where TBlock : struct, ISized
    {
        var count = 0;
        for (var room = bytes; count < blocks.Length && room >= blocks.Span[count].Length; count++)
        {
            room -= blocks.Span[count].Length;
        }

        return blocks[..count];
    }

    private static async Task<long[]> ReadPositionsAsync(PipeReader body, CancellationToken cancellationToken)
    {
        var count = await ReadAsync(body, sizeof(int), BinaryPrimitives.ReadInt32LittleEndian, cancellationToken);
        if (count is <= 0 or > MaxBlocks)
        {
            throw NotAsDescribed($"the count is {count}");
        }

        return await ReadNumbersAsync(body, count, cancellationToken);
    }

    private static Task<long[]> ReadNumbersAsync(PipeReader body, int count, CancellationToken cancellationToken) =>
        ReadAsync(
            body,
            count * sizeof(long),
            bytes =>
            {
                var numbers = new long[count];
                for (var i = 0; i < count; i++)
                {
                    numbers[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes[(i * sizeof(long))..]);
                }

                return numbers;
            },
            cancellationToken
        );

    private delegate T Parse<out T>(ReadOnlySpan<byte> bytes);

    private static async Task<T> ReadAsync<T>(PipeReader body, int length, Parse<T> parse, CancellationToken cancellationToken)
    {
        var read = await body.ReadAtLeastAsync(length, cancellationToken);
        if (read.Buffer.Length < length)
        {
            body.AdvanceTo(read.Buffer.End);
            throw new EndOfStreamException();
        }

        var bytes = read.Buffer.Slice(0, length).ToArray();
        body.AdvanceTo(read.Buffer.GetPosition(length));
        return parse(bytes);
    }
}
