using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit.Suite;
using Gallery.TestKit.Suite.Faults;

namespace Gallery.EndToEnd;

/// <summary>The whole house with one real disk published in it, as the tour of the README does it.</summary>
public sealed class PublishedHouse() : FaultyHouse(17300, "gallery-e2e-"), IAsyncLifetime
{
    public const string Version = Definition + "/versions/1.0.0";
    public static readonly IReadOnlyDictionary<string, int> Replicas = new Dictionary<string, int>
    {
        ["westus"] = 2,
        ["eastus"] = 2,
        ["northeurope"] = 1,
    };

    /// <summary>The region whose node may keep only <see cref="SmallCapacity"/> bytes.</summary>
    public const string SmallRegion = "brazilsouth";

    public const long SmallCapacity = 80 * MiB;
    private const long MiB = 1024 * 1024;

    public string Disk => Scratch("disk.raw");
    public string PublishOutput { get; private set; } = "";

    public async Task InitializeAsync()
    {
        await DiskImage.CreateFileSystemAsync(Disk, 4096 * MiB, 512 * MiB, seed: 1);
        await StartAsync(
            new Dictionary<string, string>
            {
                // A bandwidth limit, so that a pull lasts long enough to be disturbed.
                ["Region__MaxTransferBytesPerSecond"] = $"{128 * MiB}",
                [$"Regions__{RegionLinks.IndexOf(SmallRegion)}__CapacityBytes"] = $"{SmallCapacity}",
                ["Imports__Folders__0"] = Path.GetDirectoryName(Disk)!,
            }
        );
        PublishOutput = await PublishAsync(Disk, "1.0.0", "westus=2", "eastus=2:Standard_ZRS", "northeurope=1");
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    /// <summary>Publishes a disk and waits until all its regions are complete.</summary>
    public Task<string> PublishAsync(string disk, string version, params string[] targets) =>
        Suite.SucceedAsync(PublishCommand(disk, version, [.. targets, "--watch"]));

    public async Task<RegionalReplicationStatus> RowAsync(string version, string region) =>
        (await StatusAsync(version)).Summary.Single(row => row.Region == region);

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
