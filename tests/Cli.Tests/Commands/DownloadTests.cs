using Gallery.Cli.Tests.Harness;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Cli.Tests.Commands;

public sealed class DownloadTests : IAsyncLifetime
{
    private const string Version = $"subscriptions/{House.Subscription}/resourceGroups/rg1/galleries/prod/images/ubuntu/versions/1.0.0";

    private House house = null!;

    private string Copy => house.Line.File("copy.raw");

    public async Task InitializeAsync()
    {
        house = await House.StartAsync();
        house.Content.Disk = SparseFile.Create(house.Line.File("disk.raw"), 300 << 16, seed: 1, (0, 100_000), (250 << 16, 70_000));
    }

    public async Task DisposeAsync() => await house.DisposeAsync();

    [Fact]
    public async Task A_disk_is_written_to_a_file_and_the_lease_is_given_back()
    {
        var result = (
            await house.RunAsync("content", "download", "--version", Version, "--region", "eastus", "--out", Copy, "--replica", "1")
        ).Succeeded();
        Assert.Equal(house.Content.Disk, await File.ReadAllBytesAsync(Copy));
        Assert.Equal(1, house.Replication.Released);
        var placed = Assert.Single(house.Replication.Requests.OfType<PlaceDeploymentRequest>());
        Assert.Equal((Version, "eastus", 1, 1), (placed.Image, placed.Region, placed.MachineCount, placed.ReplicaOrdinal));
        Assert.Contains("rg1/prod/ubuntu/1.0.0", result.Out, StringComparison.Ordinal);
        var json = (await house.RunAsync("content", "download", "--version", Version, "--region", "eastus", "--out", Copy, "-o", "json"))
            .Succeeded()
            .Json;
        Assert.Equal(Copy, (string?)json["file"]);
        Assert.False(house.Replication.Requests.OfType<PlaceDeploymentRequest>().Last().HasReplicaOrdinal);
    }

    [Theory]
    [InlineData("raw", DiskFormat.Raw)]
    [InlineData("VHD", DiskFormat.VhdFixed)]
    [InlineData("qcow2", DiskFormat.Qcow2)]
    public async Task A_disk_is_written_in_the_format_asked_for(string format, DiskFormat expected)
    {
        house.Content.Files[DiskFormat.VhdFixed] = [.. house.Content.Disk, .. new byte[511], 1];
        house.Content.Files[DiskFormat.Qcow2] = [.. "small"u8, .. new byte[100_000]];
        var arguments = new[] { "content", "download", "--version", Version, "--region", "eastus", "--out", Copy, "-o", "json" };
        var result = (await house.RunAsync([.. arguments, "--format", format])).Succeeded();
        Assert.Equal(house.Content.Files.GetValueOrDefault(expected, house.Content.Disk), await File.ReadAllBytesAsync(Copy));
        Assert.Equal(format.ToLowerInvariant(), (string?)result.Json["format"]);
        Assert.All(house.Content.Requests, request => Assert.Equal(expected, request.Format));
    }

    [Fact]
    public async Task The_lease_is_given_back_when_it_fails_too()
    {
        house.Content.BeforePiece = _ => throw new Grpc.Core.RpcException(new Grpc.Core.Status(Grpc.Core.StatusCode.DataLoss, "rot"));
        (await house.RunAsync("content", "download", "--version", Version, "--region", "eastus", "--out", Copy)).Failed(ExitCode.Refused);
        (await house.RunAsync("content", "download", "--version", Version, "--region", "eastus", "--out", Copy, "--disk", "lun3")).Failed(
            ExitCode.Refused
        );
        (
            await house.RunAsync(
                "content",
                "download",
                "--version",
                Version,
                "--region",
                "eastus",
                "--out",
                house.Line.File("no/such/folder")
            )
        ).Failed(ExitCode.Refused);
        Assert.Equal(3, house.Replication.Released);
        Assert.False(File.Exists(Copy));
        Assert.Empty(Directory.GetFiles(house.Line.Folder, "*.part"));
    }

    [Fact]
    public async Task Ctrl_c_gives_the_lease_back_and_leaves_no_file()
    {
        using var cancel = new CancellationTokenSource();
        house.Content.BeforePiece = async request =>
        {
            await cancel.CancelAsync();
            await Task.Delay(200, CancellationToken.None);
        };
        (await house.Line.RunAsync(cancel.Token, "content", "download", "--version", Version, "--region", "eastus", "--out", Copy)).Failed(
            ExitCode.Interrupted
        );
        Assert.Equal(1, house.Replication.Released);
        Assert.Empty(Directory.GetFiles(house.Line.Folder, "copy*"));
    }

    [Fact]
    public async Task A_lease_that_ends_meanwhile_is_renewed()
    {
        house.Replication.GrantLifetime = TimeSpan.FromSeconds(10);
        (await house.RunAsync("content", "download", "--version", Version, "--region", "eastus", "--out", Copy)).Succeeded();
        Assert.InRange(house.Replication.Renewed, 1, 100);
        Assert.Equal(house.Content.Disk, await File.ReadAllBytesAsync(Copy));
    }

    [Theory]
    [InlineData("--disk", "lun64")]
    [InlineData("--disk", "data")]
    [InlineData("--replica", "-1")]
    [InlineData("--replica", "100")]
    [InlineData("--format", "vmdk")]
    public async Task What_cannot_be_is_wrong_usage(string option, string value)
    {
        (await house.RunAsync("content", "download", "--version", Version, "--region", "eastus", "--out", Copy, option, value)).Failed(
            ExitCode.Usage
        );
        (await house.RunAsync("content", "download", "--version", Version, "--region", "eastus", "--out", house.Line.Folder)).Failed(
            ExitCode.Usage
        );
        Assert.Empty(house.Replication.Requests);
    }
}
