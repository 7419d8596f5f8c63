extern alias RegionNode;

using System.Security.Cryptography;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.Replication.Tests.Support;
using Gallery.TestKit;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using NodeHost = Gallery.TestKit.ServiceHost<RegionNode::Program>;

namespace Gallery.Replication.Tests;

/// <summary>Replication with real nodes, real bytes and a real Redis; only Catalog and Sharing follow a script.</summary>
public sealed class RealNodesTests : IAsyncLifetime
{
    private const int BlockSize = 65_536;
    private const int Blocks = 48;

    // What a node writes at once, and so the steps in which its progress shows.
    private const long Batch = 4 << 20;

    private static readonly string[] Regions = ["westus", "eastus"];

    private readonly string _folder = Directory.CreateTempSubdirectory("gallery-nodes-").FullName;
    private readonly RedisServer _redis = new();
    private readonly ScriptedCatalog _catalog = new();
    private readonly Dictionary<string, int> _ports = Regions.ToDictionary(region => region, _ => FreePort.Next());
    private readonly Dictionary<string, NodeHost> _nodes = [];
    private TestIssuer? _issuer;
    private PeerServer? _peers;
    private ServiceHost<Program>? _host;

    private GrpcChannel Channel => _host!.ChannelAs(TestPrincipal.Owner);

    public async Task InitializeAsync()
    {
        await _redis.InitializeAsync();
        _issuer = await TestIssuer.StartAsync();
        _peers = await PeerServer.StartAsync(ScriptedAccess.LikeSeeded(), _catalog);
        foreach (var region in Regions)
        {
            await StartNodeAsync(region);
        }

        await StartHostAsync();
    }

    private async Task StartHostAsync(params (string Name, string Value)[] settings)
    {
        _host = await ServiceHost<Program>.StartAsync(builder =>
        {
            builder
                .WithRedis(_redis)
                .WithIssuer(_issuer!)
                .WithSystemTime()
                .WithPeer("sharing", _peers!)
                .WithPeer("catalog", _peers!)
                .WithSetting("Redis:Partitions", "2")
                .WithSetting("RegionMonitor:Heartbeat", "00:00:00.2")
                .WithSetting("Audit:Interval", "00:00:00.2")
                .WithSetting("Work:RetryMaxDelay", "00:00:02")
                .WithSetting("Grants:PrivateKey", Convert.ToBase64String(House.Key.ExportPkcs8PrivateKey()));
            for (var index = 0; index < Regions.Length; index++)
            {
                builder
                    .WithSetting($"Regions:{index}:Name", Regions[index])
                    .WithSetting($"Regions:{index}:Continent", "North America")
                    .WithSetting($"Regions:{index}:Zones", ZonesOf(Regions[index]))
                    .WithSetting($"Regions:{index}:GrpcUrl", UrlOf(Regions[index]))
                    .WithSetting($"Regions:{index}:HttpUrl", UrlOf(Regions[index]));
            }

            foreach (var (name, value) in settings)
            {
                builder.WithSetting(name, value);
            }
        });
    }

    public async Task DisposeAsync()
    {
        await _host!.DisposeAsync();
        foreach (var node in _nodes.Values)
        {
            await node.DisposeAsync();
        }

        await _peers!.DisposeAsync();
        await _issuer!.DisposeAsync();
        await _redis.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Bytes_that_were_uploaded_are_read_back_from_every_replica_of_every_region()
    {
        var disk = Disk(1);
        var version = await PublishAsync("1.0.0", disk, ("westus", 2), ("eastus", 2));
        var status = await UntilCompletedAsync(version.Name);
        Assert.Equal(Occupied(disk), status.Summary[0].CopiedBytes / 2);
        Assert.Equal([0, Occupied(disk)], status.Summary.Select(row => row.TransferredBytes));
        foreach (var (region, ordinal) in new[] { ("westus", 0), ("westus", 1), ("eastus", 0), ("eastus", 1) })
        {
            Assert.Equal(
                Convert.ToHexString(SHA256.HashData(disk)),
                Convert.ToHexString(SHA256.HashData(await ReadAsync(version.Name, region, ordinal)))
            );
        }

        // Only what differs crosses the border for a successor.
        var changed = (byte[])disk.Clone();
        Random.Shared.NextBytes(changed.AsSpan(BlockSize * 3, BlockSize));
        var successor = await PublishAsync("1.0.1", changed, ("westus", 1), ("eastus", 1));
        status = await UntilCompletedAsync(successor.Name);
        Assert.Equal(BlockSize, status.Summary[1].TransferredBytes);
        Assert.Equal(changed, await ReadAsync(successor.Name, "eastus", 0));

        // Deleted, the version leaves nothing on the nodes; the successor stays whole.
        _catalog.Change(version.Name, wanted => wanted.ProvisioningState = ProvisioningState.Deleting);
        await Refused.WithAsync(() => StatusAsync(version.Name), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        foreach (var region in Regions)
        {
            await Eventually.Async(
                async () => (await ReplicasOnAsync(region)).All(replica => replica.StartsWith(successor.Uid, StringComparison.Ordinal)),
                what: $"{region} to be free of it"
            );
        }

        Assert.Equal(changed, await ReadAsync(successor.Name, "westus", 0));
    }

    [Fact]
    public async Task A_node_that_was_away_is_filled_when_it_is_back()
    {
        await _nodes["eastus"].DisposeAsync();
        var disk = Disk(2);
        var version = await PublishAsync("2.0.0", disk, ("westus", 1), ("eastus", 1));
        await Eventually.GetAsync(
            () => StatusAsync(version.Name),
            status =>
                status.Summary[0].Progress == 100 && status.Summary[1].Details.Contains("connection refused", StringComparison.Ordinal)
        );
        await StartNodeAsync("eastus");
        await UntilCompletedAsync(version.Name);
        Assert.Equal(disk, await ReadAsync(version.Name, "eastus", 0));
    }

    [Fact]
    public async Task A_replica_that_rots_or_is_lost_is_repaired_from_another_region_and_says_when_it_was_checked()
    {
        var disk = Disk(3);
        var version = await PublishAsync("3.0.0", disk, ("westus", 1), ("eastus", 1));
        await UntilCompletedAsync(version.Name);
        var made = await ReplicaAsync(version.Name, "eastus");
        var seen = await Eventually.GetAsync(
            () => ReplicaAsync(version.Name, "eastus"),
            replica => replica.LastVerifiedTime > made.LastVerifiedTime,
            TimeSpan.FromSeconds(20)
        );
        Assert.Equal((1, made.ReadyTime), (seen.AttemptCount, seen.ReadyTime));

        // One byte of the same block in all three zones: only another region has it.
        Assert.Equal(3, Spoil("eastus", disk.AsSpan(3 * BlockSize, BlockSize)));
        var repaired = await Eventually.GetAsync(
            () => ReplicaAsync(version.Name, "eastus"),
            replica => replica is { AttemptCount: 2, State: Contracts.Events.V1.ReplicaState.Ready },
            TimeSpan.FromSeconds(20)
        );
        Assert.Equal(Occupied(disk) + BlockSize, repaired.TransferredBytes);
        Assert.Equal(made.ReadyTime, repaired.ReadyTime);
        Assert.Equal(disk, await ReadAsync(version.Name, "eastus", 0));

        // All zones come back empty.
        await _nodes["eastus"].DisposeAsync();
        for (var zone = 1; zone <= 3; zone++)
        {
            var folder = Path.Combine(_folder, "eastus", $"zone{zone}");
            Directory.Delete(folder, recursive: true);
            Directory.CreateDirectory(folder);
        }

        await StartNodeAsync("eastus");
        await Eventually.GetAsync(
            () => ReplicaAsync(version.Name, "eastus"),
            replica => replica is { AttemptCount: > 2, State: Contracts.Events.V1.ReplicaState.Ready },
            TimeSpan.FromSeconds(20)
        );
        Assert.Equal(disk, await ReadAsync(version.Name, "eastus", 0));
    }

    [Fact]
    public async Task A_full_region_says_so_and_goes_on_when_there_is_room_again()
    {
        await _nodes["eastus"].DisposeAsync();
        await StartNodeAsync("eastus", capacityBytes: 5_000_000);
        var first = await PublishAsync("4.0.0", Disk(4), ("westus", 1), ("eastus", 1));
        await UntilCompletedAsync(first.Name);
        var disk = Disk(5);
        var second = await PublishAsync("4.0.1", disk, ("westus", 1), ("eastus", 1));
        var status = await Eventually.GetAsync(
            () => StatusAsync(second.Name),
            status => status.Summary[1].Details.Contains("eastus has no room left", StringComparison.Ordinal),
            TimeSpan.FromSeconds(20)
        );
        Assert.Equal((0, 0L), (status.Summary[1].ReadyReplicaCount, status.Summary[1].TransferredBytes));
        _catalog.Change(first.Name, wanted => wanted.ProvisioningState = ProvisioningState.Deleting);
        await Refused.WithAsync(() => StatusAsync(first.Name), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        await UntilCompletedAsync(second.Name);
        Assert.Equal(disk, await ReadAsync(second.Name, "eastus", 0));
    }

    private int Spoil(string region, ReadOnlySpan<byte> block)
    {
        var found = 0;
        foreach (var path in Directory.EnumerateFiles(Path.Combine(_folder, region), "*.seg", SearchOption.AllDirectories))
        {
            var at = File.ReadAllBytes(path).AsSpan().IndexOf(block);
            if (at >= 0)
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                file.Position = at + 99;
                file.WriteByte((byte)~block[99]);
                found++;
            }
        }

        return found;
    }

    private async Task<Replica> ReplicaAsync(string version, string region) =>
        (
            await new ReplicationService.ReplicationServiceClient(Channel).ListReplicasAsync(
                new Contracts.Replication.V1.ListReplicasRequest { Parent = version, Region = region }
            )
        ).Replicas.Single();

    [Fact]
    public async Task A_copy_that_is_cancelled_and_then_loses_its_worker_goes_on_and_moves_no_block_twice()
    {
        await _host!.DisposeAsync();
        await StartHostAsync(
            ("Links:Pairs:0:From", "westus"),
            ("Links:Pairs:0:To", "eastus"),
            ("Links:Pairs:0:MaxBytesPerSecond", $"{Batch}")
        );
        var disk = Disk(6, blocks: 3 * 8 * 64);
        var version = await PublishAsync("5.0.0", disk, ("westus", 1), ("eastus", 1));
        var replication = new ReplicationService.ReplicationServiceClient(Channel);
        var row = await UntilMovedAsync(version.Name, Batch);
        Assert.True(row.TransferredBytes < Occupied(disk), "The limit of the pair did not hold.");

        await replication.CancelReplicationAsync(new CancelReplicationRequest { Version = version.Name, Region = "eastus" });
        await Eventually.GetAsync(() => StatusAsync(version.Name), status => status.Summary[1].Details == "cancelled");
        using (var channel = GrpcChannel.ForAddress(UrlOf("eastus")))
        {
            var headers = new Metadata { { "authorization", $"Bearer {_issuer!.TokenOf(TestPrincipal.Service("replication"))}" } };
            var nodes = new ReplicaService.ReplicaServiceClient(channel);
            var held = (await nodes.ListReplicasAsync(new Contracts.Region.V1.ListReplicasRequest(), headers)).Replicas.Single();
            Assert.Equal(NodeReplicaState.Waiting, held.State);
        }

        await replication.RetryRegionAsync(new RetryRegionRequest { Version = version.Name, Region = "eastus" });
        var before = (await StatusAsync(version.Name)).Summary[1].TransferredBytes;
        Assert.InRange(before, Batch, Occupied(disk) - Batch);
        await UntilMovedAsync(version.Name, before + Batch);

        // Another process takes over, while the node is still at work, and the link is free again.
        await _host.DisposeAsync();
        await StartHostAsync();
        var status = await UntilCompletedAsync(version.Name);
        Assert.Equal(Occupied(disk), status.Summary[1].TransferredBytes);
        Assert.Equal(disk, await ReadAsync(version.Name, "eastus", 0));
    }

    private async Task<RegionalReplicationStatus> UntilMovedAsync(string version, long bytes) =>
        (
            await Eventually.GetAsync(
                () => StatusAsync(version),
                status => status.Summary.Count == 2 && status.Summary[1].TransferredBytes >= bytes,
                TimeSpan.FromSeconds(20),
                "bytes to move"
            )
        ).Summary[1];

    [Fact]
    public async Task A_file_that_the_region_fetches_by_itself_becomes_a_version_like_one_that_was_sent()
    {
        var disk = Disk(3);
        Directory.CreateDirectory(Path.Combine(_folder, "images"));
        await File.WriteAllBytesAsync(Path.Combine(_folder, "images", "disk.raw"), disk);
        var snapshots = new SnapshotService.SnapshotServiceClient(Channel);
        await Eventually.Async(async () => (await StateOfAsync("westus")) == RegionState.Up);
        var request = new CreateSnapshotRequest
        {
            Parent = House.Group,
            SnapshotId = "imported",
            Region = "westus",
            ImportSource = new ImportSource { Uri = new Uri(Path.Combine(_folder, "images", "disk.raw")).AbsoluteUri },
        };
        var begun = (await snapshots.CreateSnapshotAsync(request)).Snapshot;
        var ready = await Eventually.GetAsync(
            async () => (await snapshots.GetSnapshotAsync(new GetSnapshotRequest { Name = begun.Name })).Snapshot,
            snapshot => snapshot.State != SnapshotState.Importing
        );
        Assert.Equal((SnapshotState.Ready, "", disk.Length), (ready.State, ready.Import.Details, ready.FileSizeBytes));
        var version = await PublishAsync("6.0.0", ready, ("westus", 1), ("eastus", 1));
        await UntilCompletedAsync(version.Name);
        Assert.Equal(disk, await ReadAsync(version.Name, "eastus", 0));

        request.SnapshotId = "outside";
        request.ImportSource.Uri = "file:///etc/passwd";
        begun = (await snapshots.CreateSnapshotAsync(request)).Snapshot;
        var failed = await Eventually.GetAsync(
            async () => (await snapshots.GetSnapshotAsync(new GetSnapshotRequest { Name = begun.Name })).Snapshot,
            snapshot => snapshot.State != SnapshotState.Importing
        );
        Assert.Equal((SnapshotState.Failed, ErrorReason.InvalidParameter), (failed.State, failed.Import.FailureReason));
    }

    private static string ZonesOf(string region) => region == "eastus" ? "3" : "1";

    private static byte[] Disk(int seed, int blocks = Blocks)
    {
        // Random blocks between holes.
        var disk = new byte[blocks * BlockSize];
        var random = new Random(seed);
        for (var block = 0; block < blocks; block++)
        {
            if (block % 3 == 0)
            {
                random.NextBytes(disk.AsSpan(block * BlockSize, BlockSize));
            }
        }

        return disk;
    }

    private static long Occupied(byte[] disk) =>
        disk.Chunk(BlockSize).Count(block => block.AsSpan().ContainsAnyExcept((byte)0)) * (long)BlockSize;

    private string UrlOf(string region) => $"http://127.0.0.1:{_ports[region]}";

    private async Task StartNodeAsync(string region, long capacityBytes = 0) =>
        _nodes[region] = await NodeHost.StartAsync(builder =>
            builder
                .WithIssuer(_issuer!)
                .WithSystemTime()
                .WithSetting("Kestrel:Endpoints:grpc:Url", UrlOf(region))
                .WithSetting("Region:Name", region)
                .WithSetting("Region:Zones", ZonesOf(region))
                .WithSetting("Region:CollectionInterval", "00:00:00.5")
                .WithSetting("Region:CapacityBytes", $"{capacityBytes}")
                .WithSetting("Region:ScrubInterval", "00:00:01")
                .WithSetting("Region:DataPath", Path.Combine(_folder, region))
                .WithSetting("Imports:Folders:0", Path.Combine(_folder, "images"))
                .WithSetting("Grants:PublicKey", Convert.ToBase64String(House.Key.ExportSubjectPublicKeyInfo()))
        );

    private async Task<ImageVersion> PublishAsync(string id, byte[] disk, params (string Region, int Count)[] targets)
    {
        var snapshots = new SnapshotService.SnapshotServiceClient(Channel);
        var name = $"s-{id}";
        await Eventually.Async(async () => (await StateOfAsync("westus")) == RegionState.Up);
        var created = await snapshots.CreateSnapshotAsync(
            new CreateSnapshotRequest
            {
                Parent = House.Group,
                SnapshotId = name,
                Region = "westus",
                FileSizeBytes = disk.Length,
            }
        );
        await UploadAsync(created.Grant, disk);
        var snapshot = (await snapshots.CommitSnapshotAsync(new CommitSnapshotRequest { Name = created.Snapshot.Name })).Snapshot;
        Assert.Equal((disk.Length, Occupied(disk)), (snapshot.Content.VirtualSizeBytes, snapshot.Content.OccupiedSizeBytes));
        return await PublishAsync(id, snapshot, targets);
    }

    private async Task<ImageVersion> PublishAsync(string id, Snapshot snapshot, params (string Region, int Count)[] targets)
    {
        var version = new ImageVersion
        {
            Name = House.VersionName(id),
            Uid = Guid.NewGuid().ToString("D"),
            Generation = 1,
            Location = "westus",
            ProvisioningState = ProvisioningState.Creating,
            StorageProfile = new StorageProfile
            {
                OsDiskImage = new OsDiskImage { Snapshot = snapshot.Name, Content = snapshot.Content },
            },
            PublishingProfile = new ImageVersionPublishingProfile
            {
                TargetRegions =
                {
                    targets.Select(target => new TargetRegion
                    {
                        Name = target.Region,
                        RegionalReplicaCount = target.Count,
                        StorageAccountType = target.Region == "eastus" ? StorageAccountType.StandardZrs : StorageAccountType.StandardLrs,
                    }),
                },
            },
        };
        _catalog.Put(version);
        return version;
    }

    private static async Task UploadAsync(UploadGrant grant, byte[] disk)
    {
        using var channel = GrpcChannel.ForAddress(grant.GrpcUrl);
        var client = new UploadService.UploadServiceClient(channel);
        var headers = new Metadata { { "authorization", $"Bearer {grant.Token}" } };
        await client.StartUploadAsync(new StartUploadRequest { UploadId = grant.UploadId, FileSizeBytes = disk.Length }, headers);
        var blocks = disk.Chunk(BlockSize)
            .Select((bytes, index) => (Bytes: bytes, Index: (long)index))
            .Where(block => block.Bytes.AsSpan().ContainsAnyExcept((byte)0))
            .ToList();
        var declare = new DeclareBlocksRequest { UploadId = grant.UploadId };
        declare.Blocks.AddRange(
            blocks.Select(block => new DeclaredBlock { Index = block.Index, Digest = ByteString.CopyFrom(SHA256.HashData(block.Bytes)) })
        );
        var missing = (await client.DeclareBlocksAsync(declare, headers)).MissingIndexes.ToHashSet();
        using var call = client.WriteBlocks(headers);
        foreach (var block in blocks.Where(block => missing.Contains(block.Index)))
        {
            await call.RequestStream.WriteAsync(
                new WriteBlocksRequest
                {
                    UploadId = grant.UploadId,
                    Blocks =
                    {
                        new UploadedBlock { Index = block.Index, Data = ByteString.CopyFrom(block.Bytes) },
                    },
                }
            );
        }

        await call.RequestStream.CompleteAsync();
        await call;
    }

    private async Task<byte[]> ReadAsync(string version, string region, int ordinal)
    {
        var placement = new PlacementService.PlacementServiceClient(Channel);
        var placed = await placement.PlaceDeploymentAsync(
            new PlaceDeploymentRequest
            {
                Image = version,
                Region = region,
                MachineCount = 1,
                ReplicaOrdinal = ordinal,
            }
        );
        var lease = placed.Leases.Single();
        using var channel = GrpcChannel.ForAddress(lease.GrpcUrl);
        var content = new ContentService.ContentServiceClient(channel);
        var disk = new byte[lease.Disks.Single().Content.VirtualSizeBytes];
        using var call = content.ReadDisk(
            new ReadDiskRequest { ReplicaId = lease.ReplicaId },
            new Metadata { { "authorization", $"Bearer {lease.Token}" } }
        );
        await foreach (var piece in call.ResponseStream.ReadAllAsync())
        {
            piece.Data.Span.CopyTo(disk.AsSpan((int)piece.Offset));
        }

        return disk;
    }

    private async Task<RegionState> StateOfAsync(string region) =>
        (await new RegionService.RegionServiceClient(Channel).GetRegionAsync(new GetRegionRequest { Name = region })).Region.State;

    private async Task<Gallery.Contracts.Replication.V1.ReplicationStatus> StatusAsync(string version) =>
        (
            await new ReplicationService.ReplicationServiceClient(Channel).GetReplicationStatusAsync(
                new GetReplicationStatusRequest { Version = version }
            )
        ).Status;

    private Task<Gallery.Contracts.Replication.V1.ReplicationStatus> UntilCompletedAsync(string version) =>
        Eventually.GetAsync(
            () => StatusAsync(version),
            status => status.AggregatedState == AggregatedReplicationState.Completed,
            TimeSpan.FromSeconds(20)
        );

    private async Task<IReadOnlyList<string>> ReplicasOnAsync(string region)
    {
        using var channel = GrpcChannel.ForAddress(UrlOf(region));
        var replicas = new ReplicaService.ReplicaServiceClient(channel);
        var headers = new Metadata { { "authorization", $"Bearer {_issuer!.TokenOf(TestPrincipal.Service("replication"))}" } };
        return
        [
            .. (await replicas.ListReplicasAsync(new Contracts.Region.V1.ListReplicasRequest(), headers)).Replicas.Select(replica =>
                replica.ReplicaId
            ),
        ];
    }
}
