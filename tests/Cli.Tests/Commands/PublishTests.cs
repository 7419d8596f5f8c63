using Gallery.Cli.Tests.Harness;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;
using static Gallery.Contracts.Common.V1.RegionalReplicationState;

namespace Gallery.Cli.Tests.Commands;

public sealed class PublishTests : IAsyncLifetime
{
    private const string Definition = $"subscriptions/{House.Subscription}/resourceGroups/rg1/galleries/prod/images/ubuntu";
    private const string Version = $"{Definition}/versions/1.0.0";
    private const int Block = 65_536;

    private static readonly string[] Tour =
    [
        "--gallery",
        "prod",
        "--group",
        "rg1",
        "--definition",
        "ubuntu",
        "--version",
        "1.0.0",
        "--to",
        "westus=2",
        "--to",
        "eastus=2:Standard_ZRS",
        "--to",
        "northeurope=1",
    ];

    private House house = null!;
    private byte[] disk = [];

    private string Path => house.Line.File("disk.raw");

    public async Task InitializeAsync()
    {
        house = await House.StartAsync();
        house.Catalog.Definitions[Definition] = new ImageDefinition { Name = Definition, Location = "westus" };
        house.Catalog.HasSnapshot = name =>
            house.Replication.Snapshots.TryGetValue(name, out var snapshot) && snapshot.State == SnapshotState.Ready;
        house.Replication.Statuses.Add(
            ScriptedReplication.Status(("westus", Replicating, 10, ""), ("eastus", Replicating, 0, ""), ("northeurope", Replicating, 0, ""))
        );
        house.Replication.Statuses.Add(
            ScriptedReplication.Status(("westus", Completed, 100, ""), ("eastus", Completed, 100, ""), ("northeurope", Completed, 100, ""))
        );
        disk = SparseFile.Create(Path, 3000 * Block, seed: 1, (0, 700 * Block), (2999 * Block, Block));
    }

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task The_tours_command_uploads_creates_and_watches_until_all_is_complete()
    {
        house.Replication.UnknownAtFirst = 2;
        var result = (await house.RunAsync(["image", "publish", Path, .. Tour, "--watch"])).Succeeded();

        Assert.Equal(disk, house.Uploads.Assemble());
        Assert.Equal(701 * Block, house.Uploads.Received);
        var created = house.Catalog.Requests.OfType<CreateImageVersionRequest>().Single(request => !request.ValidateOnly);
        Assert.Equal((Definition, "1.0.0", "westus"), (created.Parent, created.ImageVersionId, created.ImageVersion.Location));
        Assert.Equal(
            [
                ("westus", 2, StorageAccountType.Unspecified),
                ("eastus", 2, StorageAccountType.StandardZrs),
                ("northeurope", 1, StorageAccountType.Unspecified),
            ],
            created.ImageVersion.PublishingProfile.TargetRegions.Select(target =>
                (target.Name, target.RegionalReplicaCount, target.StorageAccountType)
            )
        );
        var snapshot = Assert.Single(house.Replication.Snapshots.Values);
        Assert.Equal(snapshot.Name, created.ImageVersion.StorageProfile.OsDiskImage.Snapshot);
        Assert.Matches("/snapshots/ubuntu-1\\.0\\.0-[0-9a-f]{8}$", snapshot.Name);
        Assert.Equal(DiskFormat.Unspecified, house.Uploads.Format);

        Assert.Contains("succeeded", result.Out, StringComparison.Ordinal);
        Assert.Contains(snapshot.Name.Split('/')[^1], result.Out, StringComparison.Ordinal);
        Assert.Contains("uploading disk.raw: 100 %", result.Error, StringComparison.Ordinal);
        Assert.Contains("eastus: complete, 2/2 replicas", result.Error, StringComparison.Ordinal);
        Assert.Contains("Warning: Mind the gap.", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', result.Error);
    }

    [Fact]
    public async Task In_json_only_the_version_is_on_standard_output()
    {
        var result = (await house.RunAsync(["image", "publish", Path, .. Tour, "--watch", "-o", "json"])).Succeeded();
        Assert.Equal(Version, (string?)result.Json["name"]);
        Assert.Equal("PROVISIONING_STATE_SUCCEEDED", (string?)result.Json["provisioningState"]);
    }

    [Fact]
    public async Task Without_watch_it_returns_when_the_version_is_accepted()
    {
        var result = (await house.RunAsync(["image", "publish", Path, .. Tour])).Succeeded();
        Assert.Contains("creating", result.Out, StringComparison.Ordinal);
        Assert.Contains("gallery version status rg1/prod/ubuntu/1.0.0 --watch", result.Out, StringComparison.Ordinal);
        Assert.Empty(house.Replication.Requests.OfType<WatchReplicationStatusRequest>());
    }

    [Fact]
    public async Task A_region_that_was_given_up_is_exit_code_1_with_its_details()
    {
        house.Catalog.Outcome = ProvisioningState.Failed;
        house.Replication.Statuses.Clear();
        house.Replication.Statuses.Add(
            ScriptedReplication.Status(
                ("westus", Completed, 100, ""),
                ("eastus", Failed, 30, "no room left"),
                ("northeurope", Completed, 100, "")
            )
        );
        var result = (await house.RunAsync(["image", "publish", Path, .. Tour, "--watch"])).Failed(ExitCode.Refused);
        Assert.Contains("eastus: no room left", result.Error, StringComparison.Ordinal);
        Assert.Contains("failed", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_snapshot_can_be_deleted_when_all_is_done()
    {
        (await house.RunAsync(["image", "publish", Path, .. Tour, "--watch", "--delete-snapshot-when-done"])).Succeeded();
        Assert.Empty(house.Replication.Snapshots);
        (await house.RunAsync(["image", "publish", Path, .. Tour, "--delete-snapshot-when-done"])).Failed(ExitCode.Usage);
    }

    [Theory]
    [InlineData("--version", "1.0")]
    [InlineData("--to", "westus=0")]
    [InlineData("--to", "westus=2:Nonsense")]
    [InlineData("--to", "WestUS")]
    [InlineData("--home", "brazilsouth")]
    public async Task A_wrong_request_is_refused_before_any_service_is_asked(string option, string value)
    {
        var before = house.Catalog.Requests.Count;
        var args =
            option == "--version" ? [.. Tour.Select(arg => arg == "1.0.0" ? value : arg)] : Tour.Append(option).Append(value).ToArray();
        (await house.RunAsync(["image", "publish", Path, .. args])).Failed(ExitCode.Usage);
        Assert.Equal(before, house.Catalog.Requests.Count);
        Assert.Empty(house.Replication.Requests);
    }

    [Fact]
    public async Task A_file_that_is_missing_or_no_disk_is_refused_before_any_service_is_asked()
    {
        await File.WriteAllTextAsync(house.Line.File("notes.txt"), "not a disk");
        (await house.RunAsync(["image", "publish", house.Line.File("notes.txt"), .. Tour])).Failed(ExitCode.Refused);
        (await house.RunAsync(["image", "publish", house.Line.File("absent.raw"), .. Tour])).Failed(ExitCode.Refused);
        (await house.RunAsync(["image", "publish", house.Line.Folder, .. Tour])).Failed(ExitCode.Usage);
        Assert.Empty(house.Replication.Requests);
    }

    [Fact]
    public async Task What_catalog_would_refuse_is_refused_before_a_byte_is_sent()
    {
        house.Catalog.Refuse = request =>
        {
            if (request is CreateImageVersionRequest)
            {
                throw GalleryError.Create(
                    StatusCode.InvalidArgument,
                    ErrorReason.LocationNotAvailableForResourceType,
                    "There is no region 'mars'. There are: eastus, westus."
                );
            }
        };
        var refused = (await house.RunAsync(["image", "publish", Path, .. Tour, "--to", "mars"])).Failed(ExitCode.Refused);
        Assert.Contains("mars", refused.Error, StringComparison.Ordinal);
        Assert.Contains("gallery region list", refused.Error, StringComparison.Ordinal);
        Assert.Empty(house.Replication.Requests);
        Assert.Equal(0, house.Uploads.Received);
    }

    [Fact]
    public async Task A_version_that_exists_is_refused_before_a_byte_is_sent()
    {
        house.Catalog.Versions[Version] = new ImageVersion { Name = Version, ProvisioningState = ProvisioningState.Succeeded };
        Assert.Contains(
            "exists already",
            (await house.RunAsync(["image", "publish", Path, .. Tour])).Failed(ExitCode.Refused).Error,
            StringComparison.Ordinal
        );
        Assert.Empty(house.Replication.Requests);
        house.Catalog.Versions[Version] = new ImageVersion { Name = Version, ProvisioningState = ProvisioningState.Failed };
        (await house.RunAsync(["image", "publish", Path, .. Tour])).Succeeded();
    }

    [Fact]
    public async Task A_refusal_at_the_end_leaves_nothing_behind()
    {
        house.Catalog.Refuse = request =>
        {
            if (request is CreateImageVersionRequest { ValidateOnly: false })
            {
                throw GalleryError.QuotaExceeded("versions", 10, 10, "subscriptions/s");
            }
        };
        (await house.RunAsync(["image", "publish", Path, .. Tour])).Failed(ExitCode.Refused);
        Assert.Empty(house.Replication.Snapshots);
        Assert.Empty(house.Catalog.Versions);
    }

    [Fact]
    public async Task A_file_that_is_not_the_disk_it_claims_to_be_leaves_nothing_behind()
    {
        house.Replication.Refuse = request =>
        {
            if (request is CommitSnapshotRequest)
            {
                throw GalleryError.Create(
                    StatusCode.InvalidArgument,
                    ErrorReason.InvalidDiskFormat,
                    "There is no VHD footer at the end of the file."
                );
            }
        };
        File.Move(Path, house.Line.File("disk.vhd"));
        var refused = (await house.RunAsync(["image", "publish", house.Line.File("disk.vhd"), .. Tour])).Failed(ExitCode.Refused);
        Assert.Contains("footer", refused.Error, StringComparison.Ordinal);
        Assert.Equal(DiskFormat.VhdFixed, house.Uploads.Format);
        Assert.Empty(house.Replication.Snapshots);
    }

    [Fact]
    public async Task After_ctrl_c_the_same_command_goes_on_where_it_was()
    {
        using var cancel = new CancellationTokenSource();
        house.Uploads.BeforeBlocks = async received =>
        {
            if (received > 300 * Block)
            {
                await cancel.CancelAsync();
                await Task.Delay(100, CancellationToken.None);
            }
        };
        var ended = (await house.Line.RunAsync(cancel.Token, ["image", "publish", Path, .. Tour])).Failed(ExitCode.Interrupted);
        Assert.Contains("goes on from there", ended.Error, StringComparison.Ordinal);
        Assert.Equal(SnapshotState.Uploading, Assert.Single(house.Replication.Snapshots.Values).State);

        house.Uploads.BeforeBlocks = _ => Task.CompletedTask;
        (await house.RunAsync(["image", "publish", Path, .. Tour, "--watch"])).Succeeded();
        Assert.Equal(disk, house.Uploads.Assemble());
        Assert.Single(house.Replication.Snapshots);
        Assert.InRange(house.Uploads.Received, 701 * Block, 1100 * Block);
    }

    [Fact]
    public async Task After_ctrl_c_in_the_watch_the_replication_goes_on_and_that_is_said()
    {
        house.Replication.Statuses.RemoveAt(1);
        using var cancel = new CancellationTokenSource();
        house.Replication.Refuse = request =>
        {
            if (request is WatchReplicationStatusRequest)
            {
                cancel.CancelAfter(200);
            }
        };
        var ended = (await house.Line.RunAsync(cancel.Token, ["image", "publish", Path, .. Tour, "--watch"])).Failed(ExitCode.Interrupted);
        Assert.Contains("gallery version status rg1/prod/ubuntu/1.0.0 --watch", ended.Error, StringComparison.Ordinal);
        Assert.Single(house.Replication.Snapshots);
    }

    [Fact]
    public async Task Blocks_that_a_crash_has_lost_are_sent_again_at_the_commit()
    {
        var commits = 0;
        house.Replication.Refuse = request =>
        {
            if (request is CommitSnapshotRequest && commits++ == 0)
            {
                house.Uploads.Lose(20);
            }
        };
        (await house.RunAsync(["image", "publish", Path, .. Tour, "--watch"])).Succeeded();
        Assert.Equal(2, commits);
        Assert.Equal(721 * Block, house.Uploads.Received);
    }

    [Fact]
    public async Task A_finished_snapshot_of_that_name_is_left_alone()
    {
        (await house.RunAsync(["image", "publish", Path, .. Tour, "--watch"])).Succeeded();
        house.Catalog.Versions.Clear();
        (await house.RunAsync(["image", "publish", Path, .. Tour, "--watch"])).Succeeded();
        Assert.Equal(2, house.Replication.Snapshots.Count);
        Assert.Equal(701 * Block, house.Uploads.Received);
    }

    [Fact]
    public async Task On_a_terminal_there_are_bars()
    {
        house.Line.Terminal = true;
        var result = (await house.RunAsync(["image", "publish", Path, .. Tour, "--watch"])).Succeeded();
        Assert.Contains("northeurope", result.Error, StringComparison.Ordinal);
        Assert.Contains("100%", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_watch_ends_by_itself_and_tells_failures_by_exit_code()
    {
        var result = (await house.RunAsync("version", "status", Version, "--watch")).Succeeded();
        Assert.Contains("northeurope: complete", result.Error, StringComparison.Ordinal);
        Assert.Contains("completed", result.Out, StringComparison.Ordinal);
        house.Replication.Statuses[^1] = ScriptedReplication.Status(("westus", Failed, 5, "gone"));
        (await house.RunAsync("version", "status", Version, "--watch")).Failed(ExitCode.Refused);
        house.Replication.UnknownAtFirst = 1;
        Assert.Equal(
            "ResourceNotFound",
            (string?)
                (await house.RunAsync("version", "status", Version, "--watch", "-o", "json")).Failed(ExitCode.Refused).ErrorJson["reason"]
        );
    }
}
