using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Xunit;

namespace Gallery.TestKit.Suite.Faults;

/// <summary>
/// A version with a disk of its own that is published while something breaks: watched from the beginning, and in the end compared byte for
/// byte from every replica.
/// </summary>
public sealed class DisturbedVersion : IAsyncDisposable
{
    /// <summary>
    /// What a source may have sent in vain when a copy of a version breaks off, in MiB: what lay in the buffers of both sides and between
    /// them.
    /// </summary>
    public const int InFlightMiB = 16;

    private const long MiB = 1024 * 1024;
    private readonly FaultyHouse _house;
    private readonly string _disk;
    private long _sentBefore;

    private DisturbedVersion(FaultyHouse house, string number)
    {
        _house = house;
        Number = number;
        _disk = house.Scratch($"disk-{number}.raw");
        Watcher = StatusWatcher.Start(house.Suite, Name);
    }

    /// <summary>`2.0.0`, for example.</summary>
    public string Number { get; }

    /// <summary>Its resource name.</summary>
    public string Name => $"{FaultyHouse.Definition}/versions/{Number}";

    /// <summary>Sees every row.</summary>
    public StatusWatcher Watcher { get; }

    /// <summary>Bytes of its blocks that are not zero.</summary>
    public long OccupiedBytes { get; private set; }

    /// <summary>Bytes that the nodes have sent since the version was published, whether or not they arrived.</summary>
    public long SentBytes => _house.Links.All.Sum(link => link.BytesFromServer) - _sentBefore;

    /// <summary>Publishes a new disk, and returns as soon as its replication has begun.</summary>
    /// <param name="house">The house.</param>
    /// <param name="number">Of the version; the disk's bytes follow from it.</param>
    /// <param name="contentMiB">Size of what is in the disk.</param>
    /// <param name="targets">As `--to` takes them.</param>
    public static async Task<DisturbedVersion> PublishAsync(FaultyHouse house, string number, int contentMiB, params string[] targets)
    {
        var version = new DisturbedVersion(house, number);
        var seed = number.Aggregate(17, (sum, letter) => (sum * 31) + letter);
        await DiskImage.CreateFileSystemAsync(version._disk, 2L * contentMiB * MiB, contentMiB * MiB, seed);
        version.OccupiedBytes = DiskImage.OccupiedBytes(version._disk);
        version._sentBefore = house.Links.All.Sum(link => link.BytesFromServer);
        await house.Suite.SucceedAsync(FaultyHouse.PublishCommand(version._disk, number, targets));
        return version;
    }

    /// <summary>Adds regions to what is wanted.</summary>
    public async Task AddRegionsAsync(params string[] regions)
    {
        var catalog = new Contracts.Catalog.V1.ImageVersionService.ImageVersionServiceClient(
            await _house.Suite.CallAsAsync("owner", "catalog")
        );
        var version = (await catalog.GetImageVersionAsync(new() { Name = Name })).ImageVersion;
        foreach (var region in regions)
        {
            version.PublishingProfile.TargetRegions.Add(new Contracts.Catalog.V1.TargetRegion { Name = region, RegionalReplicaCount = 1 });
        }

        await catalog.UpdateImageVersionAsync(
            new()
            {
                ImageVersion = version,
                UpdateMask = new() { Paths = { "publishing_profile.target_regions" } },
            }
        );
    }

    /// <summary>Waits until a row is as it should be.</summary>
    public Task<RegionalReplicationStatus?> RowAsync(string region, Func<RegionalReplicationStatus, bool> good, int seconds = 30) =>
        Eventually.GetAsync(
            () => Task.FromResult(Watcher.RowOf(region)),
            row => row is not null && good(row),
            TimeSpan.FromSeconds(seconds),
            $"the row of {region}"
        );

    /// <summary>Waits until a region is in the middle of its copy.</summary>
    public Task MovingAsync(string region, int fromPercent = 30) =>
        RowAsync(region, row => row.Progress >= fromPercent && row.Progress < 90);

    /// <summary>The region that a region's first replica takes its bytes from.</summary>
    public async Task<string> SourceOfAsync(string region)
    {
        var replication = new ReplicationService.ReplicationServiceClient(await _house.Suite.CallAsAsync("owner", "replication"));
        return (await replication.ListReplicasAsync(new ListReplicasRequest { Parent = Name, Region = region })).Replicas[0].SourceRegion;
    }

    /// <summary>
    /// It becomes complete without any help; no row ever lied; no more bytes were sent than it takes and were in flight; and every replica
    /// gives the disk back.
    /// </summary>
    /// <param name="copies">Regions that bytes had to be sent to.</param>
    /// <param name="breaks">How often a copy broke off, so that what was in flight crossed again.</param>
    /// <param name="seconds">Patience.</param>
    public async Task ConvergesAsync(int copies, int breaks, int seconds = 60)
    {
        await _house.SucceededAsync(Number, seconds);
        var sent = SentBytes;
        var status = await _house.StatusAsync(Number);
        await Eventually.Async(() => Watcher.Seen is { Count: > 0 } seen && seen[^1].Equals(status), what: "the watcher to see the end");
        Assert.Empty(Watcher.Contradictions);
        // Framing, manifests and heartbeats take a little, too.
        Assert.InRange(sent, 0, (copies * OccupiedBytes * 102 / 100) + (((breaks * InFlightMiB) + 2) * MiB));
        Assert.InRange(status.Summary.Sum(row => row.TransferredBytes), 0, (copies * OccupiedBytes) + (breaks * InFlightMiB * MiB));
        _house.Links.Restore();
        foreach (var row in status.Summary)
        {
            for (var ordinal = 0; ordinal < row.TargetReplicaCount; ordinal++)
            {
                // A region that has just come back is known to be back with the next heartbeat.
                await HealsAsync(row.Region, ordinal, seconds: 15);
            }
        }
    }

    /// <summary>A replica gives the disk back, byte for byte.</summary>
    public async Task DownloadsEqualAsync(string region, int ordinal = 0) => (await DownloadAsync(region, ordinal)).Succeeded();

    /// <summary>A replica that was damaged gives the disk back sooner or later. Until then it may refuse, but never give another one.</summary>
    public Task HealsAsync(string region, int ordinal = 0, int seconds = 60) =>
        Eventually.Async(
            async () => (await DownloadAsync(region, ordinal)).ExitCode == 0,
            TimeSpan.FromSeconds(seconds),
            $"replica {ordinal} of {region} to be whole again"
        );

    private async Task<CommandResult> DownloadAsync(string region, int ordinal)
    {
        var copy = _house.Scratch($"{Number}-{region}-{ordinal}.raw");
        var result = await _house.Suite.RunAsync([
            .. $"content download --version {Name} --region {region} --replica {ordinal} --out {copy}".Split(' '),
        ]);
        if (result.ExitCode == 0)
        {
            Assert.Null(DiskImage.FirstDifference(_disk, copy));
            File.Delete(copy);
        }

        return result;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _house.Links.Restore();
        await Watcher.DisposeAsync();
        File.Delete(_disk);
    }
}
