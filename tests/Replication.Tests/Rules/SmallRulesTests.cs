using System.Net.Sockets;
using FsCheck.Xunit;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Links;
using Gallery.Replication.Placement;
using Gallery.Replication.Records;
using Gallery.Replication.Regions;
using Gallery.Replication.Snapshots;
using Gallery.Replication.Tests.Support;
using Gallery.Replication.Versions;
using Gallery.Replication.Work;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Polly.CircuitBreaker;

namespace Gallery.Replication.Tests.Rules;

public sealed class SmallRulesTests
{
    [Theory]
    [InlineData("East US", "eastus")]
    [InlineData(" NorthEurope ", "northeurope")]
    [InlineData("west\tus", "westus")]
    [InlineData("", "")]
    [InlineData(null, "")]
    public void Names_of_regions_are_one_in_any_case_and_spacing(string? written, string canonical) =>
        Assert.Equal(canonical, RegionName.Normalize(written));

    [Property(MaxTest = 300)]
    public bool The_order_of_latest_is_the_order_of_the_three_numbers(int a, int b, int c, int d, int e, int f)
    {
        (int, int, int) left = (Math.Abs(a % 50), Math.Abs(b % 50), c & int.MaxValue),
            right = (Math.Abs(d % 50), Math.Abs(e % 50), f & int.MaxValue);
        return Math.Sign(string.CompareOrdinal(Member(left), Member(right))) == Math.Sign(left.CompareTo(right));
    }

    [Theory]
    [InlineData("1.0")]
    [InlineData("1.0.x")]
    [InlineData("1.0.2147483648")]
    [InlineData("1.0.-1")]
    public void A_name_that_is_not_three_numbers_is_never_latest(string id) => Assert.Null(VersionKeys.LatestMember(NameOf(id)));

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(1, 0, 1)]
    [InlineData(20, 0, 1)]
    [InlineData(21, 0, 2)]
    [InlineData(1000, 3, 50)]
    [InlineData(40, 7, 7)]
    public void One_replica_serves_twenty_machines_or_one_scale_set(long machines, int scaleSets, int needed) =>
        Assert.Equal(needed, PlacementRules.ReplicasNeeded(machines, scaleSets, 20));

    [Theory]
    [InlineData(512, DiskFormat.Raw, null)]
    [InlineData(1L << 40, DiskFormat.Raw, null)]
    [InlineData((1L << 40) + 512, DiskFormat.Raw, ErrorReason.GallerySourceResourceExceedsMaxSize)]
    [InlineData((1L << 40) + 512, DiskFormat.VhdFixed, null)]
    [InlineData((1L << 40) + 512, DiskFormat.Unspecified, null)]
    [InlineData((1L << 40) + 1024, DiskFormat.VhdFixed, ErrorReason.GallerySourceResourceExceedsMaxSize)]
    [InlineData(long.MaxValue, DiskFormat.Raw, ErrorReason.GallerySourceResourceExceedsMaxSize)]
    [InlineData(1000, DiskFormat.Raw, ErrorReason.InvalidDiskFormat)]
    [InlineData(512, DiskFormat.VhdFixed, ErrorReason.InvalidDiskFormat)]
    [InlineData(1024, DiskFormat.VhdFixed, null)]
    [InlineData(4096, DiskFormat.Qcow2, null)]
    [InlineData(197_633, DiskFormat.Qcow2, null)]
    [InlineData((1L << 40) + (1L << 36), DiskFormat.Vhdx, null)]
    [InlineData((1L << 40) + (1L << 37), DiskFormat.Vhdx, ErrorReason.GallerySourceResourceExceedsMaxSize)]
    [InlineData((1L << 40) + (1L << 37), DiskFormat.Unspecified, ErrorReason.GallerySourceResourceExceedsMaxSize)]
    public void A_file_is_checked_by_its_length_and_format(long size, DiskFormat format, ErrorReason? reason)
    {
        var error = Record.Exception(() => SnapshotRules.CheckSize(size, format, 1L << 40));
        Assert.Equal(reason, error is null ? null : GalleryError.ReasonOf((RpcException)error));
    }

    [Theory]
    [InlineData("EastUS", 3, "Europe", "eastus2", "Name is 1 to 40")]
    [InlineData("eastus2", 3, "Europe", "eastus2", "is taken")]
    [InlineData("eastus", 2, "Europe", "eastus2", "Zones is 1 or 3, not 2")]
    [InlineData("eastus", 3, "Atlantis", "eastus2", "Middle East, not 'Atlantis'")]
    [InlineData("eastus", 3, "europe", "eastus2", "Continent is one of")]
    [InlineData("eastus", 3, "Europe", "eastus2", null)]
    public void Regions_that_cannot_work_are_refused_in_words(string name, int zones, string continent, string other, string? complaint)
    {
        var settings = new Dictionary<string, string?>();
        foreach (var (index, each) in new[] { name, other }.Index())
        {
            settings[$"Regions:{index}:Name"] = each;
            settings[$"Regions:{index}:Zones"] = $"{zones}";
            settings[$"Regions:{index}:Continent"] = continent;
            settings[$"Regions:{index}:GrpcUrl"] = settings[$"Regions:{index}:HttpUrl"] = "http://127.0.0.1:1";
        }

        var found = RegionsValidation.Complaint(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());

        Assert.Equal(complaint is null, found is null);
        Assert.Contains(complaint ?? "", found ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Sources_are_siblings_then_uploads_then_near_regions_that_answer()
    {
        var regions = Registry(("westus", "America"), ("eastus", "America"), ("northeurope", "Europe"), ("brazilsouth", "America"));
        var health = Health(("westus", 5), ("eastus", 1), ("northeurope", 2), ("brazilsouth", -1));
        var document = Documents.New(("westus", 2), ("eastus", 1), ("northeurope", 1), ("brazilsouth", 1));

        var home = SourceRules.Choose(document, document.Replica("westus", 0), ["u1"], regions, health);
        Assert.Equal(["u1"], home.Uploads);
        Assert.Empty(home.Siblings.Concat(home.Regions));

        // While the home's first replica is not there, its node has the content as a snapshot.
        Assert.Equal(["westus"], SourceRules.Choose(document, document.Replica("eastus", 0), ["u1"], regions, health).Regions);

        var complete = document.Complete("westus", 0).Complete("northeurope", 0).Complete("brazilsouth", 0);
        Assert.Equal(
            [complete.Replica("westus", 0).Uid],
            SourceRules.Choose(complete, complete.Replica("westus", 1), ["u1"], regions, health).Siblings
        );
        Assert.Equal(
            ["westus", "northeurope"],
            SourceRules.Choose(complete, complete.Replica("eastus", 0), ["u1"], regions, health).Regions
        );

        // What was measured counts for more than the continent, and health for more than both.
        var links = new Dictionary<string, LinkEstimate>
        {
            ["westus"] = new(Reachable: true, TimeSpan.FromMilliseconds(80), 0),
            ["northeurope"] = new(Reachable: true, TimeSpan.FromMilliseconds(9), 0),
        };
        Assert.Equal(
            ["northeurope", "westus"],
            SourceRules.Choose(complete, complete.Replica("eastus", 0), ["u1"], regions, health, links).Regions
        );
        health["northeurope"] = health["northeurope"] with
        {
            Record = new RegionHealthRecord { State = RegionState.Degraded, Failing = true },
        };
        Assert.Equal(
            ["westus", "northeurope"],
            SourceRules.Choose(complete, complete.Replica("eastus", 0), ["u1"], regions, health, links).Regions
        );
    }

    [Fact]
    public void Without_a_source_it_is_said_whether_waiting_helps()
    {
        var regions = Registry(("westus", "America"), ("eastus", "America"));
        var document = Documents.New(("westus", 1), ("eastus", 1));
        var gone = SourceRules.Choose(document, document.Replica("westus", 0), [], regions, Health(("westus", 1), ("eastus", 1))).Failure!;
        Assert.True(gone.IsFinal);
        Assert.Contains("snapshot", gone.Problem, StringComparison.Ordinal);
        var away = SourceRules
            .Choose(document, document.Replica("eastus", 0), ["u1"], regions, Health(("westus", -1), ("eastus", 1)))
            .Failure!;
        Assert.Equal((false, "westus", "westus, which holds its content, does not answer"), (away.IsFinal, away.BlockedBy, away.Problem));
        var drained = SourceRules
            .Choose(
                document,
                document.Replica("eastus", 0),
                ["u1"],
                regions,
                new Dictionary<string, RegionHealth>
                {
                    ["westus"] = new("westus", new RegionHealthRecord { State = RegionState.Up }, Drained: false, ""),
                    ["eastus"] = new("eastus", new RegionHealthRecord { State = RegionState.Up }, Drained: true, "")
                    {
                        Drain = new DrainRecord { Reason = "new disks" },
                    },
                }
            )
            .Failure!;
        Assert.Equal(("eastus", "eastus takes no new replicas: it is being drained: new disks"), (drained.BlockedBy, drained.Problem));
    }

    [Fact]
    public void What_a_node_answers_becomes_words_and_what_to_wait_for()
    {
        var refused = new RpcException(
            new Grpc.Core.Status(
                StatusCode.Unavailable,
                "x",
                new HttpRequestException("x", new SocketException((int)SocketError.ConnectionRefused))
            )
        );
        Assert.Equal(new WorkFailure("eastus does not answer (connection refused)", "eastus"), NodeFailures.Of("eastus", refused));
        var open = NodeFailures.Of("eastus", new BrokenCircuitException("x", TimeSpan.FromSeconds(2)));
        Assert.Equal(("eastus", TimeSpan.FromSeconds(2)), (open.BlockedBy, open.RetryAfter));
        var source = GalleryError.Unavailable(
            ErrorReason.RegionUnavailable,
            "The node of westus does not answer.",
            TimeSpan.FromSeconds(1)
        );
        Assert.Equal(new WorkFailure("eastus: The node of westus does not answer", "westus"), NodeFailures.Of("eastus", source, "westus"));
        var full = GalleryError.Create(StatusCode.ResourceExhausted, ErrorReason.StorageExhausted, "zone 1 is full.");
        Assert.Equal(new WorkFailure("eastus has no room left: zone 1 is full"), NodeFailures.Of("eastus", full));
        Assert.Equal(
            new WorkFailure("eastus answered Internal: boom"),
            NodeFailures.Of("eastus", new RpcException(new Grpc.Core.Status(StatusCode.Internal, "boom")))
        );
        Assert.False(NodeErrors.IsSilence(source));
    }

    [Theory]
    [InlineData(
        "subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg1/galleries/g/images/i/versions/1.0.0/replicas/eastus-12",
        "eastus",
        12
    )]
    [InlineData(
        "subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg1/galleries/g/images/i/versions/1.0.0/Replicas/East US-0",
        "eastus",
        0
    )]
    [InlineData(
        "subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg1/galleries/g/images/i/versions/1.0.0/replicas/-0",
        null,
        0
    )]
    [InlineData(
        "subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg1/galleries/g/images/i/versions/1.0.0/replicas/eastus",
        null,
        0
    )]
    [InlineData("subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/rg1/galleries/g/images/i/replicas/eastus-0", null, 0)]
    [InlineData("/replicas/eastus-0", null, 0)]
    [InlineData("", null, 0)]
    public void Names_of_replicas_are_read(string text, string? region, int ordinal)
    {
        var error = Record.Exception(() =>
        {
            var name = ReplicaName.Require(text, "name");
            Assert.Equal((region, ordinal), (name.Region, name.Ordinal));
        });
        Assert.Equal(region is null, error is RpcException { StatusCode: StatusCode.InvalidArgument });
    }

    private static string Member((int Major, int Minor, int Patch) version) =>
        VersionKeys.LatestMember(NameOf($"{version.Major}.{version.Minor}.{version.Patch}"))!;

    private static ResourceName NameOf(string id) =>
        ResourceName.TryParse(House.VersionName(id), out var name) ? name : throw new InvalidOperationException(id);

    private static RegionRegistry Registry(params (string Name, string Continent)[] regions) =>
        new(Options.Create(regions.Select(region => new RegionOptions { Name = region.Name, Continent = region.Continent }).ToList()));

    // A round trip below 0 is a region that does not answer.
    private static Dictionary<string, RegionHealth> Health(params (string Name, long RoundTrip)[] regions) =>
        regions.ToDictionary(
            region => region.Name,
            region => new RegionHealth(
                region.Name,
                new RegionHealthRecord
                {
                    State = region.RoundTrip < 0 ? RegionState.Down : RegionState.Up,
                    RoundTripMicros = region.RoundTrip,
                },
                Drained: false,
                ""
            )
        );
}
