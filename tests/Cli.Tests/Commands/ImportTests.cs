using Gallery.Cli.Tests.Harness;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using static Gallery.Contracts.Common.V1.RegionalReplicationState;

namespace Gallery.Cli.Tests.Commands;

public sealed class ImportTests : IAsyncLifetime
{
    private const string Definition = $"subscriptions/{House.Subscription}/resourceGroups/rg1/galleries/prod/images/ubuntu";
    private const string Uri = "https://images.example.org/disk.vhd?sig=secret";

    private static readonly string[] Import = ["snapshot", "import", Uri, "--name", "disk", "--group", "rg1", "--region", "West US"];

    private House house = null!;

    public async Task InitializeAsync() => house = await House.StartAsync();

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task It_is_begun_and_followed_until_it_is_ready()
    {
        house.Replication.ImportSteps.Enqueue(snapshot => Progress(snapshot, 1 << 20, "The server answers 503."));
        house.Replication.ImportSteps.Enqueue(Ready);
        var result = (await house.RunAsync([.. Import, "--watch"])).Succeeded();
        var asked = Assert.Single(house.Replication.Requests.OfType<CreateSnapshotRequest>());
        Assert.Equal(
            ("westus", "disk", Uri, DiskFormat.Unspecified, 0),
            (asked.Region, asked.SnapshotId, asked.ImportSource.Uri, asked.Format, asked.FileSizeBytes)
        );
        Assert.Contains("ready", result.Out, StringComparison.Ordinal);
        Assert.Contains("https://images.example.org/disk.vhd", result.Out, StringComparison.Ordinal);
        Assert.Contains("The server answers 503. It is tried again.", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", result.Out + result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_watch_it_returns_at_once_and_the_address_may_come_from_standard_input()
    {
        house.Line.Input = Uri + "\n";
        var result = (await house.RunAsync([.. Import.Select(word => word == Uri ? "-" : word)])).Succeeded();
        Assert.Contains("importing", result.Out, StringComparison.Ordinal);
        Assert.Equal(Uri, Assert.Single(house.Replication.Requests.OfType<CreateSnapshotRequest>()).ImportSource.Uri);
        Assert.Empty(house.Replication.Requests.OfType<GetSnapshotRequest>());
    }

    [Fact]
    public async Task One_that_fails_is_exit_code_1_with_its_reason()
    {
        house.Replication.ImportSteps.Enqueue(snapshot =>
        {
            snapshot.State = SnapshotState.Failed;
            snapshot.Import.FailureReason = ErrorReason.SourceNotUsable;
            snapshot.Import.Details = "The server answers 404.";
        });
        var result = (await house.RunAsync([.. Import, "--watch"])).Failed(ExitCode.Refused);
        Assert.Contains("The server answers 404.", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("disk.vhd")]
    [InlineData("ftp://host/disk")]
    public async Task What_is_no_address_is_refused_before_anything_is_asked(string uri)
    {
        (await house.RunAsync([.. Import.Select(word => word == Uri ? uri : word)])).Failed(ExitCode.Usage);
        Assert.Empty(house.Replication.Requests);
    }

    [Fact]
    public async Task A_version_is_published_from_an_address()
    {
        house.Catalog.Definitions[Definition] = new ImageDefinition { Name = Definition, Location = "westus" };
        house.Catalog.HasSnapshot = name =>
            house.Replication.Snapshots.TryGetValue(name, out var snapshot) && snapshot.State == SnapshotState.Ready;
        house.Replication.Statuses.Add(ScriptedReplication.Status(("westus", Completed, 100, "")));
        house.Replication.ImportSteps.Enqueue(Ready);
        string[] names = ["--gallery", "prod", "--group", "rg1", "--definition", "ubuntu", "--version", "1.0.0", "--to", "westus"];
        (await house.RunAsync(["image", "publish", "--from", Uri, .. names, "--watch"])).Succeeded();
        var snapshot = Assert.Single(house.Replication.Snapshots.Values);
        var created = house.Catalog.Requests.OfType<CreateImageVersionRequest>().Single(request => !request.ValidateOnly);
        Assert.Equal(snapshot.Name, created.ImageVersion.StorageProfile.OsDiskImage.Snapshot);
        Assert.Matches("/snapshots/ubuntu-1\\.0\\.0-[0-9a-f]{8}$", snapshot.Name);

        (await house.RunAsync(["image", "publish", "--from", Uri, "disk.raw", .. names])).Failed(ExitCode.Usage);
        (await house.RunAsync(["image", "publish", .. names])).Failed(ExitCode.Usage);
    }

    private static void Progress(Snapshot snapshot, long done, string details = "")
    {
        snapshot.FileSizeBytes = 1 << 21;
        snapshot.Import.DoneBytes = done;
        snapshot.Import.Details = details;
    }

    private static void Ready(Snapshot snapshot)
    {
        Progress(snapshot, 1 << 21);
        snapshot.State = SnapshotState.Ready;
        snapshot.Content = new ContentDescriptor
        {
            Digest = "sha256:abc",
            VirtualSizeBytes = 1 << 21,
            OccupiedSizeBytes = 1 << 20,
        };
    }
}
