using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit.Suite;
using ReplicationStatus = Gallery.Contracts.Replication.V1.ReplicationStatus;

namespace Gallery.EndToEnd;

/// <summary>The whole house with one real disk published in it, as the tour of the README does it.</summary>
public sealed class PublishedHouse : IAsyncLifetime
{
    public const string Subscription = "subscriptions/00000000-0000-0000-0000-00000000000a";
    public const string Definition = Subscription + "/resourceGroups/rg1/galleries/prod/images/ubuntu";
    public const string Version = Definition + "/versions/1.0.0";
    public static readonly IReadOnlyDictionary<string, int> Replicas = new Dictionary<string, int>
    {
        ["westus"] = 2,
        ["eastus"] = 2,
        ["northeurope"] = 1,
    };

    private const long MiB = 1024 * 1024;
    private readonly string _root = Directory.CreateTempSubdirectory("gallery-e2e-").FullName;

    public GallerySuite Suite { get; private set; } = null!;
    public string Disk => Path.Combine(_root, "disk.raw");
    public string PublishOutput { get; private set; } = "";

    public string Scratch(string name) => Path.Combine(_root, name);

    public async Task InitializeAsync()
    {
        await DiskImage.CreateFileSystemAsync(Disk, 4096 * MiB, 512 * MiB, seed: 1);
        // A bandwidth limit, so that a pull lasts long enough to be disturbed.
        Suite = await GallerySuite.StartAsync(
            Scratch("house"),
            17300,
            new Dictionary<string, string> { ["Region__MaxTransferBytesPerSecond"] = $"{128 * MiB}" }
        );
        await Suite.SucceedAsync("login", "--as", "owner");
        await Suite.SucceedAsync("gallery", "create", "prod", "--group", "rg1", "--location", "westus");
        await Suite.SucceedAsync([
            .. "definition create ubuntu --gallery prod --group rg1 --os linux --state generalized".Split(' '),
            .. "--publisher contoso --offer server --sku 24-lts".Split(' '),
        ]);
        PublishOutput = await PublishAsync(Disk, "1.0.0", "westus=2", "eastus=2:Standard_ZRS", "northeurope=1");
    }

    public async Task DisposeAsync()
    {
        if (Suite is not null)
        {
            await Suite.DisposeAsync();
        }
        Directory.Delete(_root, recursive: true);
    }

    /// <summary>Publishes a disk and waits until all its regions are complete.</summary>
    public Task<string> PublishAsync(string disk, string version, params string[] targets) =>
        Suite.SucceedAsync(PublishCommand(disk, version, [.. targets, "--watch"]));

    /// <summary>The command that publishes a disk.</summary>
    public static string[] PublishCommand(string disk, string version, params string[] targets) =>
        [
            "image",
            "publish",
            disk,
            "--gallery",
            "prod",
            "--group",
            "rg1",
            "--definition",
            "ubuntu",
            "--version",
            version,
            .. targets.SelectMany(target => target.StartsWith('-') ? [target] : new[] { "--to", target }),
        ];

    public async Task<ReplicationStatus> StatusAsync(string version) =>
        (
            await new ReplicationService.ReplicationServiceClient(
                await Suite.CallAsAsync("owner", "replication")
            ).GetReplicationStatusAsync(new GetReplicationStatusRequest { Version = $"{Definition}/versions/{version}" })
        ).Status;

    public async Task<RegionalReplicationStatus> RowAsync(string version, string region) =>
        (await StatusAsync(version)).Summary.Single(row => row.Region == region);

    public async Task<ImageVersion> VersionAsync(string version) =>
        (
            await new ImageVersionService.ImageVersionServiceClient(await Suite.CallAsAsync("owner", "catalog")).GetImageVersionAsync(
                new GetImageVersionRequest { Name = $"{Definition}/versions/{version}" }
            )
        ).ImageVersion;

    /// <summary>Places one machine on one replica.</summary>
    public async Task<Lease> LeaseAsync(string version, string region, int? ordinal = null)
    {
        var request = new PlaceDeploymentRequest
        {
            Image = $"{Definition}/versions/{version}",
            Region = region,
            MachineCount = 1,
        };
        if (ordinal is { } one)
        {
            request.ReplicaOrdinal = one;
        }
        var placement = new PlacementService.PlacementServiceClient(await Suite.CallAsAsync("owner", "replication"));
        return Assert.Single((await placement.PlaceDeploymentAsync(request)).Leases);
    }

    /// <summary>What a user with read rights would see of the whole subscription, to prove that something left nothing behind.</summary>
    public async Task<string> InventoryAsync() =>
        string.Join(
            '\n',
            await Suite.SucceedAsync("gallery", "list", "--output", "json"),
            await Suite.SucceedAsync("definition", "list", "--gallery", "prod", "--group", "rg1", "--output", "json"),
            await Suite.SucceedAsync([.. "version list --gallery prod --group rg1 --definition ubuntu --output json".Split(' ')]),
            string.Join('\n', await SnapshotsAsync())
        );

    private async Task<IEnumerable<string>> SnapshotsAsync()
    {
        var snapshots = new SnapshotService.SnapshotServiceClient(await Suite.CallAsAsync("owner", "replication"));
        return (await snapshots.ListSnapshotsAsync(new ListSnapshotsRequest { Parent = Subscription, PageSize = 1000 })).Snapshots.Select(
            s => s.Name
        );
    }
}

[CollectionDefinition("house")]
public sealed class HouseDefinition : ICollectionFixture<PublishedHouse>;
