using System.Buffers;
using System.IO.Pipelines;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Access;
using Gallery.Region.Blocks;
using Gallery.Region.Content.Views;
using Gallery.Region.Node;
using Gallery.Region.Replicas;
using Gallery.Region.Serving;
using Gallery.ServiceDefaults.Access;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Headers;
using Microsoft.Net.Http.Headers;

namespace Gallery.Region.Content;

/// <summary>
/// Disks of replicas over HTTP: `GET` and `HEAD /v1/replicas/{replica}/disks/{os|lun0…}[.raw|.vhd|.qcow2]` with `Authorization: Bearer {lease
/// token}`, whole or by one `Range`. The ETag names content and format, which never change for a replica.
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
internal sealed partial class DiskSender(
    ReplicaManager replicas,
    DiskReaders readers,
    ReplicaLimits limits,
    RegionTelemetry telemetry,
    ILogger<DiskSender> logger
)
{
    /// <summary>Answers one.</summary>
    public async Task AnswerAsync(HttpContext http, string replica, string slot)
    {
        try
        {
            await http.RequireGrantAsync(GrantClaims.Read, RequestChecks.RequireId(replica, "replica"));
            var (name, format) = RequireName(slot);
            var disk = ReplicaDisks.Require(replicas, replica, name);
            using var reading = HttpMethods.IsHead(http.Request.Method) ? null : limits.Enter(replica);
            var view = await readers.OpenAsync(disk, format, http.RequestAborted);
            await SendAsync(http, replica, view, DiskViews.TagOf(disk.Content.Digest, format));
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

    /// <summary>Takes `os.qcow2` apart. Without an extension the disk is raw.</summary>
    private static (string Slot, DiskFormat Format) RequireName(string name)
    {
        if (name.Split('.') is not [var slot, .. var extensions] || extensions.Length == 0)
        {
            return (name, DiskFormat.Raw);
        }

        var format = extensions is [var extension] ? DiskViews.FormatOf(extension) : DiskFormat.Unspecified;
        return format != DiskFormat.Unspecified
            ? (slot, format)
            : throw new RegionException(
                ErrorReason.InvalidParameter,
                $"'{ErrorTexts.Shorten(name)}' is no disk: it takes os or lun0 to lun63, and .raw, .vhd, .qcow2 or nothing behind it."
            );
    }

    private async Task SendAsync(HttpContext http, string replica, IDiskView view, string tag)
    {
        var (request, response) = (http.Request.GetTypedHeaders(), http.Response.GetTypedHeaders());
        var length = view.Length;
        var etag = new EntityTagHeaderValue($"\"{tag}\"");
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
            await SendAsync(http, replica, view, offset, count);
        }
    }

    private async Task SendAsync(HttpContext http, string replica, IDiskView view, long offset, long count)
    {
        var body = http.Response.BodyWriter;
        var cancellation = http.RequestAborted;
        await foreach (var piece in view.ReadAsync(offset, count, cancellation))
        {
            for (var left = piece.ZeroLength; left > 0; left -= BlockLayout.BlockSize)
            {
                var zeros = (int)Math.Min(left, BlockLayout.BlockSize);
                WriteZeros(body, zeros);
                await FlushAsync(body, replica, zeros, cancellation);
            }

            if (piece.Data.Length > 0)
            {
                body.Write(piece.Data.Span);
                piece.Release();
                await FlushAsync(body, replica, piece.Data.Length, cancellation);
            }
        }
    }

    private async ValueTask FlushAsync(PipeWriter body, string replica, int bytes, CancellationToken cancellationToken)
    {
        await limits.WaitAsync(replica, bytes, cancellationToken);
        await body.FlushAsync(cancellationToken);
        telemetry.Served(bytes, "http");
    }

    private static void WriteZeros(PipeWriter body, int count)
    {
        while (count > 0)
        {
            var span = body.GetSpan();
            var some = Math.Min(count, span.Length);
            span[..some].Clear();
            body.Advance(some);
            count -= some;
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
