using Gallery.Contracts.Common.V1;
using Gallery.Region.Access;
using Gallery.Region.Node;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;
using Gallery.ServiceDefaults.Access;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Headers;
using Microsoft.Net.Http.Headers;

namespace Gallery.Region.Content;

/// <summary>
/// Disks of replicas over HTTP: `GET` and `HEAD /v1/replicas/{replica}/disks/{os|lun0…}` with `Authorization: Bearer {lease token}`, whole or by
/// one `Range`. The ETag is the content's digest, which never changes for a replica.
/// </summary>
internal static class DiskEndpoint
{
    /// <summary>Maps the endpoint.</summary>
    public static void MapDisks(this WebApplication app) =>
        app.MapMethods(
                "/v1/replicas/{replica}/disks/{slot}",
                [HttpMethods.Get, HttpMethods.Head],
                (HttpContext http, string replica, string slot, DiskSender sender) => sender.AnswerAsync(http, replica, slot)
            )
            .AllowAnonymous();
}

/// <summary>Answers requests for disks.</summary>
internal sealed partial class DiskSender(ReplicaManager replicas, StoreSet stores, RegionTelemetry telemetry, ILogger<DiskSender> logger)
{
    private static readonly byte[] Zeros = new byte[256 * 1024];

    /// <summary>Answers one.</summary>
    public async Task AnswerAsync(HttpContext http, string replica, string slot)
    {
        try
        {
            await http.RequireGrantAsync(GrantClaims.Read, RequestChecks.RequireId(replica, "replica"));
            var disk = ReplicaDisks.Require(replicas, replica, slot);
            await SendAsync(http, disk, stores.Get(disk.Store));
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
            // The length was promised: the reader must not take what it got for the whole.
            LogBroken(exception, replica);
            http.Abort();
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The reader went away, as readers of ranges do.
        }
    }

    private async Task SendAsync(HttpContext http, ReadableDisk disk, RegionStore store)
    {
        var (request, response) = (http.Request.GetTypedHeaders(), http.Response.GetTypedHeaders());
        var length = disk.Content.VirtualSize;
        var etag = new EntityTagHeaderValue($"\"{disk.Content.Digest}\"");
        response.ETag = etag;
        http.Response.Headers.AcceptRanges = "bytes";
        http.Response.Headers.CacheControl = "private, max-age=31536000, immutable";
        if (request.IfNoneMatch.Any(known => known.Compare(etag, useStrongComparison: false) || known == EntityTagHeaderValue.Any))
        {
            http.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        var (offset, count) = (0L, length);
        if (RangeOf(request, etag, length) is { } range)
        {
            if (range.Length <= 0)
            {
                response.ContentRange = new ContentRangeHeaderValue(length);
                await HttpRefusal.WriteAsync(
                    http,
                    StatusCodes.Status416RangeNotSatisfiable,
                    ErrorReason.OutOfRange,
                    $"The disk has {length} bytes."
                );
                return;
            }

            (offset, count) = range;
            response.ContentRange = new ContentRangeHeaderValue(offset, offset + count - 1, length);
            http.Response.StatusCode = StatusCodes.Status206PartialContent;
        }

        http.Response.ContentType = "application/octet-stream";
        http.Response.ContentLength = count;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            await SendAsync(http, await DiskReader.OpenAsync(store, disk.Content.Content, http.RequestAborted), offset, count);
        }
    }

    private async Task SendAsync(HttpContext http, DiskReader reader, long offset, long count)
    {
        await foreach (var piece in reader.ReadAsync(offset, count, http.RequestAborted))
        {
            for (var left = piece.ZeroLength; left > 0; left -= Zeros.Length)
            {
                await http.Response.Body.WriteAsync(Zeros.AsMemory(0, (int)Math.Min(left, Zeros.Length)), http.RequestAborted);
            }

            if (piece.Data.Length > 0)
            {
                await http.Response.Body.WriteAsync(piece.Data, http.RequestAborted);
                telemetry.Served(piece.Data.Length, "http");
            }
        }
    }

    /// <summary>
    /// The range asked for; null for the whole disk, which also answers what can't be understood, several ranges, and a range that was meant
    /// for another content. A length of 0 means that the range can't be satisfied.
    /// </summary>
    private static (long Offset, long Length)? RangeOf(RequestHeaders request, EntityTagHeaderValue etag, long length)
    {
        if (request.Range is not { Ranges.Count: 1 } header || header.Unit != "bytes")
        {
            return null;
        }

        if (request.IfRange is { } condition && condition.EntityTag?.Compare(etag, useStrongComparison: true) != true)
        {
            return null;
        }

        var range = header.Ranges.First();
        var first = range.From ?? Math.Max(0, length - range.To!.Value);
        var last = range.From is null ? length - 1 : Math.Min(range.To ?? (length - 1), length - 1);
        return range is { From: null, To: 0 } || first >= length ? (0, 0) : (first, last - first + 1);
    }

    [LoggerMessage(1, LogLevel.Error, "A disk of replica {Replica} could not be read to its end")]
    private partial void LogBroken(Exception exception, string replica);
}
