using System.Net;
using System.Net.Http.Headers;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.TestKit;
using Gallery.TestKit.Suite;
using Grpc.Core;
using Grpc.Net.Client;

namespace Gallery.EndToEnd;

[Collection("house")]
public sealed class PublishTests(PublishedHouse house)
{
    public static TheoryData<string, int> EveryReplica
    {
        get
        {
            var all = new TheoryData<string, int>();
            foreach (var (region, count) in PublishedHouse.Replicas)
            {
                for (var ordinal = 0; ordinal < count; ordinal++)
                {
                    all.Add(region, ordinal);
                }
            }
            return all;
        }
    }

    [Theory]
    [MemberData(nameof(EveryReplica))]
    public async Task The_disk_comes_back_byte_for_byte_from_every_replica(string region, int ordinal)
    {
        var copy = house.Scratch($"copy-{region}-{ordinal}.raw");
        await house.Suite.SucceedAsync(
            "content",
            "download",
            "--version",
            PublishedHouse.Version,
            "--region",
            region,
            "--replica",
            $"{ordinal}",
            "--out",
            copy
        );
        Assert.Null(DiskImage.FirstDifference(house.Disk, copy));
        File.Delete(copy);
    }

    [Fact]
    public async Task A_disk_that_the_home_region_fetches_by_itself_comes_back_from_another_region()
    {
        var (disk, copy) = (house.Scratch("fetched disk.raw"), house.Scratch("copy-fetched.raw"));
        var bytes = new byte[12 << 20];
        new Random(5).NextBytes(bytes.AsSpan(1 << 20, 3 << 20));
        await File.WriteAllBytesAsync(disk, bytes);
        await house.PublishAsync($"--from={new Uri(disk).AbsoluteUri}", "8.0.0", "westus=1", "eastus=1");
        var version = $"{PublishedHouse.Definition}/versions/8.0.0";
        await house.Suite.SucceedAsync("content", "download", "--version", version, "--region", "eastus", "--out", copy);
        Assert.Null(DiskImage.FirstDifference(disk, copy));
    }

    [Fact]
    public async Task The_occupied_size_is_that_of_the_blocks_that_are_not_zero()
    {
        var version = await house.VersionAsync("1.0.0");
        Assert.Equal(DiskImage.OccupiedBytes(house.Disk), version.OccupiedSizeBytes);
        Assert.Equal(new FileInfo(house.Disk).Length, version.VirtualSizeBytes);
        Assert.Equal(ProvisioningState.Succeeded, version.ProvisioningState);
    }

    [Fact]
    public async Task Each_region_has_the_replicas_asked_for_and_only_further_regions_took_bytes_from_outside()
    {
        var status = await house.StatusAsync("1.0.0");
        var occupied = (await house.VersionAsync("1.0.0")).OccupiedSizeBytes;
        Assert.Equal(AggregatedReplicationState.Completed, status.AggregatedState);
        Assert.Equal(PublishedHouse.Replicas, status.Summary.ToDictionary(row => row.Region, row => row.ReadyReplicaCount));
        Assert.All(
            status.Summary,
            row =>
            {
                Assert.Equal(RegionalReplicationState.Completed, row.State);
                Assert.Equal(100, row.Progress);
                Assert.Equal("", row.Details);
                Assert.InRange(row.TransferredBytes, 0, row.Region == "westus" ? 0 : occupied);
            }
        );
    }

    [Fact]
    public async Task A_successor_with_five_percent_changed_moves_at_most_fifteen_percent_to_each_region()
    {
        var successor = house.Scratch("successor.raw");
        await DiskImage.CopyAsync(house.Disk, successor);
        DiskImage.ChangeInPlace(successor, 0.05, seed: 2);
        await house.PublishAsync(successor, "1.0.1", "westus=2", "eastus=2:Standard_ZRS", "northeurope=1");

        var occupied = (await house.VersionAsync("1.0.1")).OccupiedSizeBytes;
        Assert.All(
            (await house.StatusAsync("1.0.1")).Summary.Where(row => row.Region != "westus"),
            row => Assert.InRange(row.TransferredBytes, 1, occupied * 15 / 100)
        );
        var copy = house.Scratch("successor-copy.raw");
        await house.Suite.SucceedAsync(
            "content",
            "download",
            "--version",
            $"{PublishedHouse.Definition}/versions/1.0.1",
            "--region",
            "northeurope",
            "--out",
            copy
        );
        Assert.Null(DiskImage.FirstDifference(successor, copy));
        File.Delete(copy);
        File.Delete(successor);
    }

    [Fact]
    public async Task A_lease_opens_its_replica_to_http_ranges_and_to_grpc_and_nothing_else()
    {
        var lease = await house.LeaseAsync("1.0.0", "eastus", 1);
        const long offset = (3 * 1024 * 1024) + 17;
        var expected = new byte[200_000];
        using (var file = File.OpenHandle(house.Disk))
        {
            Assert.Equal(expected.Length, RandomAccess.Read(file, expected, offset));
        }

        using var http = new HttpClient { BaseAddress = new Uri(lease.HttpUrl) };
        http.DefaultRequestHeaders.Range = new RangeHeaderValue(offset, offset + expected.Length - 1);
        using (var refused = await http.GetAsync($"/v1/replicas/{lease.ReplicaId}/disks/os"))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", lease.Token);
        using (var answer = await http.GetAsync($"/v1/replicas/{lease.ReplicaId}/disks/os"))
        {
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
            Assert.Equal(expected, await answer.Content.ReadAsByteArrayAsync());
        }
        var other = await house.LeaseAsync("1.0.0", "eastus", 0);
        using (var refused = await http.GetAsync($"/v1/replicas/{other.ReplicaId}/disks/os"))
        {
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        using var channel = GrpcChannel.ForAddress(lease.GrpcUrl);
        var content = new ContentService.ContentServiceClient(channel);
        using var call = content.ReadDisk(
            new ReadDiskRequest
            {
                ReplicaId = lease.ReplicaId,
                Offset = offset,
                Length = expected.Length,
            },
            new Metadata { { "authorization", $"Bearer {lease.Token}" } }
        );
        var read = new byte[expected.Length];
        await foreach (var piece in call.ResponseStream.ReadAllAsync())
        {
            piece.Data.Span.CopyTo(read.AsSpan((int)(piece.Offset - offset)));
        }
        Assert.Equal(expected, read);
    }

    [Fact]
    public async Task Latest_resolves_to_the_highest_version_of_the_region()
    {
        var placement = new Contracts.Replication.V1.PlacementService.PlacementServiceClient(
            await house.Suite.CallAsAsync("reader", "replication")
        );
        var answer = await placement.PlaceDeploymentAsync(
            new()
            {
                Image = PublishedHouse.Definition,
                Region = "eastus",
                MachineCount = 3,
            }
        );
        Assert.Equal(await HighestInAsync("eastus"), Version.Parse(answer.Version.Split('/')[^1]));
        Assert.Equal(3, answer.Leases.Sum(lease => lease.MachineCount));
    }

    [Fact]
    public async Task Everything_is_there_and_served_after_a_restart()
    {
        var before = await house.InventoryAsync();
        await house.Suite.StopAsync();
        await house.Suite.StartAsync();
        Assert.Equal(before, await house.InventoryAsync());
        var copy = house.Scratch("after-restart.raw");
        await house.Suite.SucceedAsync("content", "download", "--version", PublishedHouse.Version, "--region", "eastus", "--out", copy);
        Assert.Null(DiskImage.FirstDifference(house.Disk, copy));
        File.Delete(copy);
    }

    [Fact]
    public async Task What_it_costs_is_shown_for_what_is_there()
    {
        var occupied = (await house.VersionAsync("1.0.0")).OccupiedSizeBytes;
        var billing = new Contracts.Billing.V1.StatementService.StatementServiceClient(await house.Suite.CallAsAsync("owner", "billing"));
        var month = DateTimeOffset.UtcNow.ToString("yyyy-MM", System.Globalization.CultureInfo.InvariantCulture);
        var statement = await Eventually.GetAsync(
            async () =>
                (
                    await billing.GetStatementAsync(
                        new()
                        {
                            Name = $"{PublishedHouse.Subscription}/statements/{month}",
                            GroupBy = Contracts.Billing.V1.StatementGrouping.Version,
                        }
                    )
                ).Statement,
            found =>
                found.Lines.Where(IsFirstVersion).Sum(line => line.SnapshotCount) == 5
                && found.Lines.Where(IsFirstVersion).Sum(line => line.CopyCount) == 2
        );
        var egress = statement.Lines.Where(IsFirstVersion).Where(line => line.Meter == Contracts.Billing.V1.Meter.InterRegionEgress);
        Assert.Equal(2 * occupied, egress.Sum(line => line.BilledBytes));

        var shown = await house.Suite.SucceedAsync("cost", "show");
        Assert.Contains("USD", shown, StringComparison.Ordinal);

        static bool IsFirstVersion(Contracts.Billing.V1.ChargeLine line) =>
            string.Equals(line.Resource, PublishedHouse.Version, StringComparison.OrdinalIgnoreCase);
    }

    private async Task<Version> HighestInAsync(string region)
    {
        var catalog = new ImageVersionService.ImageVersionServiceClient(await house.Suite.CallAsAsync("reader", "catalog"));
        var answer = await catalog.ListImageVersionsAsync(
            new ListImageVersionsRequest { Parent = PublishedHouse.Definition, PageSize = 100 }
        );
        return answer
            .ImageVersions.Where(version =>
                version.ProvisioningState == ProvisioningState.Succeeded
                && version.PublishingProfile.TargetRegions.Any(target => target.Name == region)
            )
            .Select(version => Version.Parse(version.Name.Split('/')[^1]))
            .Max()!;
    }
}
