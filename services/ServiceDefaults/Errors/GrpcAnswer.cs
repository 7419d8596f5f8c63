using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Gallery.ServiceDefaults.Errors;

/// <summary>Answers a gRPC request outside of a gRPC handler, as middleware has to.</summary>
internal static class GrpcAnswer
{
    private const string ContentType = "application/grpc";
    private const string DetailsTrailer = "grpc-status-details-bin";

    public static bool IsGrpc(HttpRequest request) =>
        request.ContentType?.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Answers with the error alone: HTTP 200, and the status in the headers (a "trailers-only" response).</summary>
    public static void Refuse(HttpContext context, RpcException error)
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        context.Response.ContentType = ContentType;
        Write(context.Response.Headers, error);
    }

    /// <summary>Puts the status of the error into headers or trailers.</summary>
    public static void Write(IHeaderDictionary headers, RpcException error)
    {
        headers["grpc-status"] = ((int)error.StatusCode).ToString(CultureInfo.InvariantCulture);
        headers["grpc-message"] = Uri.EscapeDataString(error.Status.Detail);
        if (error.Trailers.GetValueBytes(DetailsTrailer) is { } details)
        {
            headers[DetailsTrailer] = Convert.ToBase64String(details);
        }
    }
}
