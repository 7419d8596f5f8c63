using System.Collections.Concurrent;
using System.Globalization;
using Gallery.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.Region.Tests.Support;

/// <summary>Stands where a node gives blocks in bulk, and gives none: it says that they come, and then nothing; or refuses.</summary>
internal sealed class BulkServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource _ended = new();

    private BulkServer(bool stalls)
    {
        // Empty: the settings that lie beside the tests are the node's, its endpoints among them.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        _app = builder.Build();
        _app.Urls.Add(Url);
        _app.MapPost("/v1/contents/{content}/blocks", http => AnswerAsync(http, stalls));
    }

    public string Url { get; } = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}");

    /// <summary>What each request said that it accepts; empty for blocks as they are.</summary>
    public ConcurrentQueue<string> Accepted { get; } = new();

    public static async Task<BulkServer> StartAsync(bool stalls)
    {
        var server = new BulkServer(stalls);
        await server._app.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        _ended.TrySetResult();
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext http, bool stalls)
    {
        Accepted.Enqueue(http.Request.Headers.AcceptEncoding.ToString());
        if (!stalls)
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        await http.Response.Body.FlushAsync();
        await _ended.Task.WaitAsync(http.RequestAborted);
    }
}
