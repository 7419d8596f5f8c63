using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Tests.Support;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Region.Tests.Importing;

/// <summary>Imports from web servers, good and bad ones.</summary>
[Collection("imports")]
public sealed class HttpImportTests(ImportsFixture fixture)
{
    /// <summary>What is on its way when an import ends early comes again: as many requests as there are at a time, but the one that failed.</summary>
    private const long InFlight = 3 * 4 << 20;

    [Fact]
    public async Task A_file_arrives_byte_for_byte_and_is_fetched_once()
    {
        var disk = TestDisk.Make(1, 300);
        await using var server = await SourceServer.StartAsync(disk);
        var import = await fixture.ImportAsync("http-1", server.Url);
        Assert.Equal(ImportState.Arrived, import.State);
        Assert.Equal((disk.Length, disk.Length, disk.Length), (import.FileSizeBytes, import.DoneBytes, import.FetchedBytes));
        Assert.Equal(disk.Length, server.ServedBytes);
        Assert.Equal(disk, await fixture.ReadBackAsync("http-1"));

        // Begun again it answers that it is there; nothing is fetched.
        Assert.Equal(ImportState.Arrived, (await fixture.ImportAsync("http-1", server.Url)).State);
        Assert.Equal(disk.Length, server.ServedBytes);
    }

    [Theory]
    [InlineData(503)]
    [InlineData(429)]
    [InlineData(0)]
    public async Task What_fails_for_a_moment_is_repeated(int status)
    {
        var disk = TestDisk.Make(2 + status, 200);
        await using var server = await SourceServer.StartAsync(disk);
        server.FailNext(2, status);
        var import = await fixture.ImportAsync($"moment-{status}", server.Url);
        Assert.Equal(ImportState.Arrived, import.State);
        Assert.Equal(disk, await fixture.ReadBackAsync($"moment-{status}"));
    }

    [Fact]
    public async Task A_server_that_breaks_off_again_and_again_is_asked_for_the_rest()
    {
        var disk = TestDisk.Make(9, 60);
        await using var server = await SourceServer.StartAsync(disk);
        // More often than a request is repeated; each time, some of what was asked for has come.
        server.FailNext(8, 0);
        Assert.Equal(ImportState.Arrived, (await fixture.ImportAsync("flapping", server.Url)).State);
        Assert.Equal(disk, await fixture.ReadBackAsync("flapping"));
        // The last answer alone is a whole one, and it is short.
        Assert.InRange(server.ServedBytes, 1, disk.Length / 4);
    }

    [Fact]
    public async Task A_server_that_stays_away_leaves_the_import_waiting_and_it_goes_on_where_it_was()
    {
        var disk = TestDisk.Make(5, 400);
        await using var server = await SourceServer.StartAsync(disk);
        server.Before = () =>
        {
            if (server.Served.Count >= 4)
            {
                server.FailNext(int.MaxValue, 500);
            }

            return Task.CompletedTask;
        };
        var waiting = await fixture.ImportAsync("away", server.Url);
        Assert.Equal(ImportState.Waiting, waiting.State);
        Assert.Contains("500", waiting.Details, StringComparison.Ordinal);
        server.Before = () => Task.CompletedTask;
        server.FailNext(0, 0);
        Assert.Equal(ImportState.Arrived, (await fixture.ImportAsync("away", server.Url)).State);
        Assert.InRange(server.ServedBytes, disk.Length, disk.Length + InFlight);
        Assert.Equal(disk, await fixture.ReadBackAsync("away"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_changes_meanwhile_is_refused(bool knowsConditions)
    {
        var disk = TestDisk.Make(6, 400);
        await using var server = await SourceServer.StartAsync(disk);
        server.KnowsConditions = knowsConditions;
        server.Before = () =>
        {
            server.Tag = server.Served.Count >= 3 ? "\"v2\"" : "\"v1\"";
            return Task.CompletedTask;
        };
        var import = await fixture.ImportAsync($"changed-{knowsConditions}", server.Url);
        Assert.Equal((ImportState.Failed, ErrorReason.SourceNotUsable), (import.State, import.FailureReason));
        Assert.Contains("has changed", import.Details, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_entity_tag_the_time_of_the_last_change_names_the_version()
    {
        var disk = TestDisk.Make(7, 400);
        await using var server = await SourceServer.StartAsync(disk);
        (server.Tag, server.Changed) = (null, new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        Assert.Equal(ImportState.Arrived, (await fixture.ImportAsync("modified", server.Url)).State);
        server.Before = () =>
        {
            server.Changed += TimeSpan.FromSeconds(server.Served.Count > 2 ? 1 : 0);
            return Task.CompletedTask;
        };
        server.Served.Clear();
        Assert.Contains("has changed", (await fixture.ImportAsync("modified-2", server.Url)).Details, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_ranges_or_versions_and_a_missing_file_are_refused_with_the_reason()
    {
        await using var server = await SourceServer.StartAsync(TestDisk.Make(8, 10));
        server.HasRanges = false;
        await RefusedAsync("no-ranges", server.Url, "ranges");
        (server.HasRanges, server.Tag) = (true, null);
        await RefusedAsync("no-version", server.Url, "names no version");
        (server.Tag, server.File) = ("W/\"weak\"", server.File);
        await RefusedAsync("weak-version", server.Url, "names no version");
        await RefusedAsync("not-there", server.Url.Replace("/disk", "/other", StringComparison.Ordinal), "404");
        server.Tag = "\"v1\"";
        server.File = new byte[1000];
        var odd = await fixture.ImportAsync("odd-size", server.Url, DiskFormat.Raw);
        Assert.Equal((ImportState.Failed, ErrorReason.InvalidDiskFormat), (odd.State, odd.FailureReason));
    }

    [Fact]
    public async Task A_signature_is_used_and_never_shown_and_a_fresh_one_takes_its_place()
    {
        var disk = TestDisk.Make(9, 400);
        await using var server = await SourceServer.StartAsync(disk);
        server.Signature = "?sig=first-secret";
        var first = server.Url;
        server.Before = () =>
        {
            server.Signature = server.Served.Count >= 3 ? "?sig=second-secret" : server.Signature;
            return Task.CompletedTask;
        };
        var waiting = await fixture.ImportAsync("signed", first);
        Assert.Equal(ImportState.Waiting, waiting.State);
        Assert.Contains("fresh one", waiting.Details, StringComparison.Ordinal);
        var arrived = await fixture.ImportAsync("signed", server.Url);
        Assert.Equal(ImportState.Arrived, arrived.State);
        Assert.InRange(server.ServedBytes, disk.Length, disk.Length + InFlight);
        foreach (var file in Directory.EnumerateFiles(fixture.Node.DataPath, "*.record", SearchOption.AllDirectories))
        {
            Assert.DoesNotContain("secret", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Redirects_are_followed_within_the_rules()
    {
        var disk = TestDisk.Make(10, 80);
        await using var server = await SourceServer.StartAsync(disk);
        Assert.Equal(ImportState.Arrived, (await fixture.ImportAsync("moved", server.MovedUrl)).State);
        server.MovedTo = "http://169.254.169.254/latest/meta-data";
        await RefusedAsync("moved-metadata", server.MovedUrl, "not on the public internet", ErrorReason.InvalidParameter);
        server.MovedTo = "http://localhost:1/disk";
        await RefusedAsync("moved-localhost", server.MovedUrl, "not on the public internet", ErrorReason.InvalidParameter);
        server.MovedTo = server.MovedUrl;
        await RefusedAsync("moved-round", server.MovedUrl, "redirected more than");
        server.MovedTo = "file:///etc/passwd";
        await RefusedAsync("moved-file", server.MovedUrl, "redirected");
    }

    [Theory]
    [InlineData("http://localhost:1/disk")]
    [InlineData("http://[::1]:1/disk")]
    [InlineData("http://127.0.0.2/disk")]
    [InlineData("http://2130706434/disk")]
    [InlineData("http://10.1.2.3/disk")]
    [InlineData("http://169.254.169.254/metadata")]
    [InlineData("http://[fe80::1]/disk")]
    [InlineData("http://[::ffff:192.168.1.1]/disk")]
    public async Task Hosts_that_are_not_on_the_public_internet_are_refused(string uri)
    {
        var id = "private-" + Guid.NewGuid().ToString("N");
        await RefusedAsync(id, uri, "not on the public internet", ErrorReason.InvalidParameter);
    }

    [Theory]
    [InlineData("")]
    [InlineData("disk.raw")]
    [InlineData("ftp://host/disk")]
    [InlineData("http://user:password@host/disk")]
    [InlineData("file://host/disk")]
    public async Task Malformed_addresses_are_refused_at_once(string uri) =>
        await Refused.WithAsync(
            () => fixture.Client.Imports.StartImportAsync(new() { UploadId = "bad", Uri = uri }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

    [Fact]
    public async Task Only_the_hosts_of_the_settings_are_imported_from()
    {
        await using var node = await TestNode.StartAsync(
            fixture.Issuer,
            fixture.Grants,
            "narrow",
            settings: [("Imports:Hosts:0", "*.example.org")]
        );
        var refused = await Refused.WithAsync(
            () => node.Client.Imports.StartImportAsync(new() { UploadId = "a", Uri = "https://example.com/disk" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Contains("*.example.org", refused.Message, StringComparison.Ordinal);
        await Refused.WithAsync(
            () => node.Client.Imports.StartImportAsync(new() { UploadId = "b", Uri = "file:///etc/hostname" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
    }

    [Fact]
    public async Task Dropping_the_upload_ends_the_import_and_frees_it()
    {
        await using var server = await SourceServer.StartAsync(TestDisk.Make(11, 400));
        var hang = new TaskCompletionSource();
        server.Before = () => server.Served.Count >= 2 ? hang.Task : Task.CompletedTask;
        await fixture.Client.Imports.StartImportAsync(new() { UploadId = "dropped", Uri = server.Url });
        await Eventually.Async(() => server.Served.Count >= 2);
        await fixture.Client.Commits.DeleteUploadAsync(new() { UploadId = "dropped" });
        await Refused.WithAsync(
            () => fixture.Client.Imports.GetImportAsync(new() { UploadId = "dropped" }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        hang.SetResult();
        await Eventually.Async(() => !Directory.EnumerateFiles(fixture.Node.DataPath, "dropped.*", SearchOption.AllDirectories).Any());
    }

    [Fact]
    public async Task Another_source_under_the_same_id_is_refused_and_strangers_are_too()
    {
        await using var server = await SourceServer.StartAsync(TestDisk.Make(12, 10));
        await fixture.ImportAsync("same", server.Url);
        await Refused.WithAsync(
            () => fixture.Client.Imports.StartImportAsync(new() { UploadId = "same", Uri = server.MovedUrl }),
            StatusCode.FailedPrecondition,
            ErrorReason.PropertyChangeNotAllowed
        );
        var stranger = new ImportService.ImportServiceClient(fixture.Node.Host.ChannelAs(TestPrincipal.Owner));
        await Refused.WithAsync(
            () => stranger.StartImportAsync(new() { UploadId = "x", Uri = server.Url }),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );
    }

    [Fact]
    public async Task A_node_that_is_killed_fetches_only_what_had_not_arrived()
    {
        using var data = new TempFolder();
        var disk = new byte[40 << 20];
        new Random(13).NextBytes(disk);
        await using var server = await SourceServer.StartAsync(disk);
        long arrived;
        await using (var node = await NodeProcess.StartAsync(fixture.Issuer, fixture.Grants, "killed", data, fixture.Settings))
        {
            server.Before = () => server.Served.Count >= 6 ? Task.Delay(Timeout.Infinite) : Task.CompletedTask;
            await node.Client.Imports.StartImportAsync(new() { UploadId = "i", Uri = server.Url });
            arrived = (await ImportsFixture.UntilAsync(node.Client, "i", import => import.DoneBytes >= 4 * 4 << 20)).DoneBytes;
            await node.KillAsync();
        }

        server.Before = () => Task.CompletedTask;
        server.Served.Clear();
        await using var again = await NodeProcess.StartAsync(fixture.Issuer, fixture.Grants, "killed", data, fixture.Settings);
        var found = (await again.Client.Imports.GetImportAsync(new() { UploadId = "i" })).Import;
        Assert.Equal(ImportState.Waiting, found.State);
        var import = await ImportsFixture.ImportAsync(again.Client, "i", server.Url);
        Assert.Equal(ImportState.Arrived, import.State);
        Assert.InRange(server.ServedBytes, 1, disk.Length - arrived);
        var content = await again.Client.CommitAsync("i");
        await again.Client.PullAsync(NodeClient.Order("r", content, again.Client.FromUpload("i")));
        Assert.Equal(disk, await again.Client.ReadAsync("r"));
    }

    private async Task RefusedAsync(string id, string uri, string why, ErrorReason reason = ErrorReason.SourceNotUsable)
    {
        var import = await fixture.ImportAsync(id, uri);
        Assert.Equal((ImportState.Failed, reason), (import.State, import.FailureReason));
        Assert.Contains(why, import.Details, StringComparison.Ordinal);
    }
}
