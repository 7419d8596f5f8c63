using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Gallery.ServiceDefaults.Errors;

/// <summary>
/// The gRPC library reads the single message of a unary call before any interceptor runs, and answers UNKNOWN or INTERNAL when the
/// bytes are no message. This turns that answer into INVALID_ARGUMENT.
/// </summary>
internal sealed class MalformedRequestMiddleware(RequestDelegate next)
{
    private static readonly string Unknown = ((int)StatusCode.Unknown).ToString(System.Globalization.CultureInfo.InvariantCulture);
    private static readonly string Internal = ((int)StatusCode.Internal).ToString(System.Globalization.CultureInfo.InvariantCulture);

    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);
        if (!GrpcAnswer.IsGrpc(context.Request) || context.Items.ContainsKey(ErrorInterceptor.Entered))
        {
            return;
        }

        var trailers = context.Response.HasStarted
            ? context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers
            : context.Response.Headers;
        if (
            trailers is { IsReadOnly: false }
            && trailers.TryGetValue("grpc-status", out var status)
            && (status == Unknown || status == Internal)
        )
        {
            GrpcAnswer.Write(trailers, ErrorMapping.Malformed());
        }
    }
}
