using System.Text;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.ServiceDefaults.Errors;
using Gallery.TestKit;
using Grpc.Core;
using StackExchange.Redis;

namespace Gallery.Replication.Tests;

/// <summary>A house that looks at imports often.</summary>
public sealed class ImportHouse : IAsyncLifetime
{
    private House? _house;

    internal House House => _house!;

    public async Task InitializeAsync() =>
        _house = await House.StartAsync(
            ("Snapshots:ImportPollInterval", "00:00:00"),
            ("Snapshots:ImportRetryMaxDelay", "00:00:01"),
            ("Snapshots:ImportRetryBudget", "01:00:00")
        );

    public async Task DisposeAsync() => await House.DisposeAsync();
}

/// <summary>Imports as Replication drives them, with nodes that follow a script.</summary>
public sealed class SnapshotImportTests(ImportHouse shared) : IClassFixture<ImportHouse>
{
    private const string Secret = "sig=very-secret";
    private const string Uri = "https://images.example.org/disk.vhd?" + Secret;
    private const string Shown = "https://images.example.org/disk.vhd";

    private House House => shared.House;

    [Fact]
    public async Task An_import_becomes_ready_by_itself_and_shows_how_far_it_is()
    {
        var begun = await ImportAsync("disk");
        Assert.Equal((SnapshotState.Importing, Shown, 0), (begun.State, begun.Import.Uri, begun.FileSizeBytes));
        await Eventually.Async(() => Started(begun).Any(), what: "the node to be asked");
        Assert.Equal(Uri, Started(begun).First().Uri);
        Tell(begun, ImportState.Running, done: 1 << 20, fetched: 4096);
        var running = await UntilAsync("disk", snapshot => snapshot.Import.DoneBytes > 0);
        Assert.Equal((1L << 21, 1L << 20, 4096L), (running.FileSizeBytes, running.Import.DoneBytes, running.Import.FetchedBytes));
        await Refused.WithAsync(
            () => House.Snapshots.CommitSnapshotAsync(new CommitSnapshotRequest { Name = NameOf("disk") }),
            StatusCode.FailedPrecondition,
            ErrorReason.SourceNotUsable
        );

        // The secret is nowhere to be read, and gone when it is needed no more.
        Assert.DoesNotContain(Secret, await DumpAsync(), StringComparison.Ordinal);
        Tell(begun, ImportState.Arrived, done: 1 << 21, fetched: 8192);
        var ready = await UntilAsync("disk", snapshot => snapshot.State == SnapshotState.Ready);
        Assert.Equal((House.Digest, 8192L, ""), (ready.Content.Digest, ready.Import.FetchedBytes, ready.Import.Details));
        Assert.DoesNotContain(begun.Uid, await AddressesAsync());
        Assert.Equal(ChangeType.Created, Assert.Single(await House.EventsAsync(NameOf("disk"))).SnapshotChanged.Change);
        await Refused.WithAsync(() => ImportAsync("disk"), StatusCode.AlreadyExists, ErrorReason.ResourceAlreadyExists);
    }

    [Fact]
    public async Task An_import_that_ended_early_is_begun_again_and_a_fresh_signature_is_used()
    {
        var begun = await ImportAsync("early");
        await Eventually.Async(() => Started(begun).Any());
        Tell(begun, ImportState.Waiting, details: "The server answers 503.");
        Assert.Equal("The server answers 503.", (await UntilAsync("early", s => s.Import.Details.Length > 0)).Import.Details);

        var renewed = await ImportAsync("early", Shown + "?sig=fresh");
        Assert.Equal(begun.Uid, renewed.Uid);
        await Eventually.Async(() =>
        {
            House.Time.Advance(TimeSpan.FromSeconds(1));
            return Started(begun).Any(request => request.Uri.EndsWith("fresh", StringComparison.Ordinal));
        });
        Assert.Equal("", (await UntilAsync("early", s => s.Import.Details.Length == 0)).Import.Details);

        await Refused.WithAsync(
            () => ImportAsync("early", "https://elsewhere.example.org/disk.vhd"),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );
        await Refused.WithAsync(() => ImportAsync("early", region: "eastus"), StatusCode.AlreadyExists, ErrorReason.ResourceAlreadyExists);
    }

    [Fact]
    public async Task What_can_not_be_done_fails_with_its_reason_frees_what_came_and_may_be_begun_anew()
    {
        House["eastus"].OnImport = _ => throw GalleryError.InvalidParameter("uri", "the host is not among those allowed");
        var begun = await ImportAsync("refused", region: "eastus");
        var failed = await UntilAsync("refused", snapshot => snapshot.State == SnapshotState.Failed);
        Assert.Equal(ErrorReason.InvalidParameter, failed.Import.FailureReason);
        Assert.Contains("not among those allowed", failed.Import.Details, StringComparison.Ordinal);
        await Eventually.Async(() => House["eastus"].DroppedUploads.Contains(begun.Uid), what: "the upload to be freed");
        await Refused.WithAsync(
            () => House.Snapshots.CommitSnapshotAsync(new CommitSnapshotRequest { Name = NameOf("refused") }),
            StatusCode.FailedPrecondition,
            ErrorReason.SourceNotUsable
        );

        House["eastus"].OnImport = request => new Import { UploadId = request.UploadId, State = ImportState.Running };
        var anew = await ImportAsync("refused", region: "eastus");
        Assert.NotEqual(begun.Uid, anew.Uid);
        House["eastus"].OnCommit = _ =>
            throw GalleryError.Create(StatusCode.InvalidArgument, ErrorReason.InvalidDiskFormat, "No footer was found at the end.");
        await Eventually.Async(() => House["eastus"].ImportStates.ContainsKey(anew.Uid));
        Tell(anew, ImportState.Arrived, region: "eastus");
        failed = await UntilAsync("refused", snapshot => snapshot.State == SnapshotState.Failed);
        Assert.Equal((ErrorReason.InvalidDiskFormat, anew.Uid), (failed.Import.FailureReason, failed.Uid));
    }

    [Fact]
    public async Task Deleting_it_ends_it()
    {
        var begun = await ImportAsync("deleted");
        await House.Snapshots.DeleteSnapshotAsync(new DeleteSnapshotRequest { Name = NameOf("deleted") });
        await Eventually.Async(() => House["westus"].DroppedUploads.Contains(begun.Uid));
        Assert.Empty(House.Keys("deleted"));
        Assert.DoesNotContain(begun.Uid, await AddressesAsync());
        Assert.Empty(await House.EventsAsync(NameOf("deleted")));
    }

    [Fact]
    public async Task While_the_region_is_away_it_says_so_and_goes_on_afterwards_until_it_is_given_up()
    {
        var begun = await ImportAsync("away", region: "northeurope");
        await Eventually.Async(() => Started(begun, "northeurope").Any());
        await House.TakeDownAsync("northeurope");
        var waiting = await Eventually.GetAsync(
            async () =>
            {
                House.Time.Advance(TimeSpan.FromSeconds(1));
                return await GetAsync("away");
            },
            snapshot => snapshot.Import.Details.Length > 0
        );
        Assert.Contains("does not answer", waiting.Import.Details, StringComparison.Ordinal);
        House.Time.Advance(TimeSpan.FromHours(2));
        var failed = await Eventually.GetAsync(
            async () =>
            {
                House.Time.Advance(TimeSpan.FromSeconds(1));
                return await GetAsync("away");
            },
            snapshot => snapshot.State == SnapshotState.Failed
        );
        Assert.Contains("Given up", failed.Import.Details, StringComparison.Ordinal);
        Assert.Equal(begun.Uid, failed.Uid);
    }

    [Theory]
    [InlineData("", 0, "import_source.uri")]
    [InlineData("disk.vhd", 0, "import_source.uri")]
    [InlineData("ftp://host/disk", 0, "import_source.uri")]
    [InlineData("https://me:secret@host/disk", 0, "import_source.uri")]
    [InlineData("file://host/disk", 0, "import_source.uri")]
    [InlineData("https://host/disk", 4096, "file_size_bytes")]
    public async Task Bad_values_are_named(string uri, long size, string field)
    {
        var request = Request("bad", uri, "westus");
        request.FileSizeBytes = size;
        var refused = await Refused.WithAsync(
            () => House.Snapshots.CreateSnapshotAsync(request),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Contains(field, refused.Fields);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
        Assert.Empty(House.Keys("bad"));
    }

    private static string NameOf(string id) => $"{House.Group}/snapshots/{id}";

    private static CreateSnapshotRequest Request(string id, string uri, string region) =>
        new()
        {
            Parent = House.Group,
            SnapshotId = id,
            Region = region,
            ImportSource = new ImportSource { Uri = uri },
        };

    private async Task<Snapshot> ImportAsync(string id, string uri = Uri, string region = "westus")
    {
        var answer = await House.Snapshots.CreateSnapshotAsync(Request(id, uri, region));
        Assert.Null(answer.Grant);
        return answer.Snapshot;
    }

    private IEnumerable<StartImportRequest> Started(Snapshot of, string region = "westus") =>
        House[region].StartedImports.Where(request => request.UploadId == of.Uid);

    /// <summary>The snapshots whose addresses are kept.</summary>
    private async Task<IReadOnlyList<string>> AddressesAsync()
    {
        var uids = new List<string>();
        foreach (var key in House.Keys("import-addresses"))
        {
            uids.AddRange((await House.Redis.Database.HashKeysAsync(key)).Select(field => field.ToString()));
        }

        return uids;
    }

    private void Tell(Snapshot of, ImportState state, long done = 0, long fetched = 0, string details = "", string region = "westus") =>
        House[region].ImportStates[of.Uid] = new Import
        {
            UploadId = of.Uid,
            State = state,
            FileSizeBytes = 1 << 21,
            DoneBytes = done,
            FetchedBytes = fetched,
            Details = details,
        };

    private async Task<Snapshot> GetAsync(string id) =>
        (await House.Snapshots.GetSnapshotAsync(new GetSnapshotRequest { Name = NameOf(id) })).Snapshot;

    /// <summary>The test's clock stands still unless it is moved.</summary>
    private Task<Snapshot> UntilAsync(string id, Func<Snapshot, bool> good) =>
        Eventually.GetAsync(
            async () =>
            {
                House.Time.Advance(TimeSpan.FromMilliseconds(200));
                return await GetAsync(id);
            },
            good,
            what: id
        );

    /// <summary>All that Redis holds, as text.</summary>
    private async Task<string> DumpAsync()
    {
        var text = new StringBuilder();
        foreach (var key in House.Redis.Server.Keys(pattern: "*"))
        {
            var type = await House.Redis.Database.KeyTypeAsync(key);
            var values = type switch
            {
                RedisType.Hash => (await House.Redis.Database.HashGetAllAsync(key)).Select(entry => entry.Value),
                RedisType.Stream => (await House.Redis.Database.StreamRangeAsync(key))
                    .SelectMany(entry => entry.Values)
                    .Select(v => v.Value),
                RedisType.String => [await House.Redis.Database.StringGetAsync(key)],
                _ => [],
            };
            text.AppendJoin('\n', values.Select(value => Encoding.Latin1.GetString((byte[]?)value ?? [])));
        }

        return text.ToString();
    }
}
