using System.Collections.Concurrent;
using System.Globalization;
using Gallery.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Gallery.Region.Tests.Support;

/// <summary>A web server that a file is imported from, with the faults that such servers have.</summary>
internal sealed class SourceServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _root = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort.Next()}");
    private int _failures;

    private SourceServer()
    {
        // Empty: the settings that lie beside the tests are the node's, its endpoints among them.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        _app = builder.Build();
        _app.Urls.Add(_root);
        _app.MapGet("/moved", () => Results.Redirect(MovedTo ?? Url, permanent: false, preserveMethod: true));
        _app.MapGet("/disk", ServeAsync);
    }

    /// <summary>The file.</summary>
    public byte[] File { get; set; } = [];

    /// <summary>Names the version of the file; null for a server that names none.</summary>
    public string? Tag { get; set; } = "\"v1\"";

    /// <summary>When the file was changed; null for a server that does not say.</summary>
    public DateTimeOffset? Changed { get; set; }

    /// <summary>False for a server that ignores ranges.</summary>
    public bool HasRanges { get; set; } = true;

    /// <summary>False for a server that takes no notice of conditions.</summary>
    public bool KnowsConditions { get; set; } = true;

    /// <summary>What the query must be.</summary>
    public string Signature { get; set; } = "";

    /// <summary>Where `/moved` leads.</summary>
    public string? MovedTo { get; set; }

    /// <summary>Called before each answer.</summary>
    public Func<Task> Before { get; set; } = () => Task.CompletedTask;

    /// <summary>The ranges that were given out completely.</summary>
    public ConcurrentQueue<(long From, long Length)> Served { get; } = new();

    public string Url => $"{_root}/disk{Signature}";

    public string MovedUrl => $"{_root}/moved";

    public long ServedBytes => Served.Where(range => range.Length > 1).Sum(range => range.Length);

    public static async Task<SourceServer> StartAsync(byte[] file)
    {
        var server = new SourceServer { File = file };
        await server._app.StartAsync();
        return server;
    }

    /// <summary>The next answers are failures: a status, or for 0 a connection that breaks in the middle.</summary>
    public void FailNext(int times, int status)
    {
        Status = status;
        Volatile.Write(ref _failures, times);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private int Status { get; set; }

    private async Task ServeAsync(HttpContext http)
    {
        await Before().WaitAsync(http.RequestAborted);
        if (http.Request.QueryString.Value != Signature)
        {
            http.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        var fails = Interlocked.Decrement(ref _failures) >= 0;
        if (fails && Status != 0)
        {
            http.Response.StatusCode = Status;
            http.Response.Headers.RetryAfter = "0";
            return;
        }

        if (KnowsConditions && http.Request.Headers.IfMatch.ToString() is { Length: > 0 } wanted && wanted != Tag)
        {
            http.Response.StatusCode = StatusCodes.Status412PreconditionFailed;
            return;
        }

        await SendAsync(http, fails);
    }

    private async Task SendAsync(HttpContext http, bool breakOff)
    {
        http.Response.Headers.ETag = Tag;
        http.Response.Headers.LastModified = Changed?.ToString("R", CultureInfo.InvariantCulture);
        var range = http.Request.GetTypedHeaders().Range?.Ranges.Single();
        if (range is null || !HasRanges)
        {
            http.Response.ContentLength = File.Length;
            await http.Response.Body.WriteAsync(File);
            return;
        }

        var (from, to) = (range.From!.Value, Math.Min(range.To!.Value, File.Length - 1));
        http.Response.StatusCode = StatusCodes.Status206PartialContent;
        http.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {from}-{to}/{File.Length}");
        http.Response.ContentLength = to - from + 1;
        var bytes = File.AsMemory((int)from, (int)(to - from + 1));
        await http.Response.Body.WriteAsync(breakOff ? bytes[..(bytes.Length / 2)] : bytes);
        if (breakOff)
        {
            // What is still on its way when a connection breaks is lost with it.
            await Task.Delay(100);
            http.Abort();
            return;
        }

        Served.Enqueue((from, bytes.Length));
    }
}
