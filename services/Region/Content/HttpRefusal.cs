using System.Globalization;
using Gallery.Contracts.Common.V1;
using Grpc.Core;

namespace Gallery.Region.Content;

/// <summary>The gallery's errors as HTTP answers: a status, and `{"error":{"reason","message"}}`.</summary>
internal static class HttpRefusal
{
    /// <summary>Answers with a failure of the engine.</summary>
    public static Task WriteAsync(HttpContext http, RegionException exception) =>
        WriteAsync(http, RegionErrors.HttpStatusOf(exception.Reason), exception.Reason, exception.Message);

    /// <summary>Answers with the refusal of a malformed request.</summary>
    public static Task WriteAsync(HttpContext http, RpcException exception) =>
        WriteAsync(http, StatusCodes.Status400BadRequest, ErrorReason.InvalidParameter, exception.Status.Detail);

    /// <summary>Answers with a status and a reason.</summary>
    public static async Task WriteAsync(HttpContext http, int status, ErrorReason reason, string message)
    {
        http.Response.StatusCode = status;
        http.Response.ContentLength = null;
        http.Response.Headers.ETag = default;
        http.Response.Headers.CacheControl = "no-store";
        if (status == StatusCodes.Status401Unauthorized)
        {
            http.Response.Headers.WWWAuthenticate = new[] { "Bearer", "Basic realm=\"lease\", charset=\"UTF-8\"" };
        }

        if (RegionErrors.RetryAfter(reason) is { } delay)
        {
            http.Response.Headers.RetryAfter = ((int)delay.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.WriteAsJsonAsync(new { error = new { reason = $"{reason}", message } });
        }
    }
}
