using System.Net;
using System.Net.Http.Json;

namespace Gallery.LocalHosting.Tests;

/// <summary>The page for people.</summary>
public sealed class PageTests
{
    [Fact]
    public async Task Resources_are_shown_and_commanded_without_a_secret_or_markup_slipping_through()
    {
        var builder = TestHost.Builder();
        builder
            .AddExecutable("talker", "sh", ".", "-c", "echo '<b>bold</b>'; sleep 100")
            .WithEnvironment("KEY", builder.AddParameter("key", "s3cr3t", secret: true));
        await using var host = await TestHost.StartAsync(builder);
        var talker = await host.ReadyAsync("talker");
        using var http = new HttpClient { BaseAddress = new Uri(host.Endpoints.PageUrl) };

        var overview = await http.GetStringAsync(Path("/"));
        Assert.Contains("talker", overview, StringComparison.Ordinal);
        Assert.Contains("(secret)", overview, StringComparison.Ordinal);
        var detail = await http.GetStringAsync(Path("/resources/talker"));
        Assert.Contains("&lt;b&gt;bold&lt;/b&gt;", detail, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", overview + detail, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(Path("/resources/nobody"))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(Path("/traces/none"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(Path("/health"))).StatusCode);
        Assert.Equal("text/css", (await http.GetAsync(Path("/assets/page.css"))).Content.Headers.ContentType!.MediaType);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await http.PostAsync(Path("/api/resources/talker/restart"), null)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await http.PostAsJsonAsync(Path("/api/resources/talker/restart"), new { })).StatusCode);
        await host.WaitAsync("talker", snapshot => snapshot.IsReady && snapshot.Pid != talker.Pid);
    }

    [Fact]
    public async Task A_foreign_host_name_is_refused()
    {
        await using var host = await TestHost.StartAsync(TestHost.Builder());
        using var http = new HttpClient { BaseAddress = new Uri(host.Endpoints.PageUrl) };
        http.DefaultRequestHeaders.Host = "evil.example";
        Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync(Path("/"))).StatusCode);
    }

    private static Uri Path(string path) => new(path, UriKind.Relative);
}
