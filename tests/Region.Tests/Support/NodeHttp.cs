using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Gallery.Contracts.Common.V1;

namespace Gallery.Region.Tests.Support;

/// <summary>Requests to a node over HTTP.</summary>
internal static class NodeHttp
{
    public static async Task<HttpResponseMessage> PostAsync(
        this TestNode node,
        string path,
        byte[] body,
        string grant,
        string? encoding = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        if (grant.Length > 0)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", grant);
        }

        if (encoding is not null)
        {
            request.Content.Headers.ContentEncoding.Add(encoding);
        }

        return await node.Host.Http.SendAsync(request);
    }

    public static async Task AssertRefusedAsync(HttpResponseMessage response, HttpStatusCode status, ErrorReason reason)
    {
        using (response)
        {
            var error = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error");
            Assert.Equal((status, $"{reason}"), (response.StatusCode, error.GetProperty("reason").GetString()));
            Assert.NotEqual("", error.GetProperty("message").GetString());
        }
    }
}
