using System.Globalization;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit.Suite;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Benchmarks;

/// <summary>
/// How fast a disk comes in, to further regions, to further replicas, and how little of its successor travels; beside copies of the same file by
/// `cp --sparse=always` and `sync`, each made just before.
/// </summary>
internal sealed class SpeedBenchmark
{
    private const string Group = "subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/bench";
    private const string Definition = Group + "/galleries/bench/images/disk";
    private const string First = Definition + "/versions/1.0.0";
    private const string Successor = Definition + "/versions/1.0.1";
    private static readonly string[] FurtherRegions = ["eastus", "northeurope", "brazilsouth"];

    private readonly string _root;
    private readonly string _disk;
    private readonly GallerySuite _suite;
    private readonly ImageVersionService.ImageVersionServiceClient _catalog;
    private readonly ReplicationService.ReplicationServiceClient _replication;
    private long _occupied;

    private SpeedBenchmark(string root, string disk, GallerySuite suite, CallInvoker catalog, CallInvoker replication)
    {
        (_root, _disk, _suite) = (root, disk, suite);
        _catalog = new ImageVersionService.ImageVersionServiceClient(catalog);
        _replication = new ReplicationService.ReplicationServiceClient(replication);
    }

    /// <summary>Measures and prints.</summary>
    /// <param name="contentMib">Bytes of files in the disk, in MiB.</param>
    /// <param name="diskGib">Size of the disk, in GiB.</param>
    /// <param name="others">Whether other tools have their turn as well; they take minutes.</param>
    public static async Task RunAsync(int contentMib, int diskGib, bool others)
    {
        var root = Directory.CreateTempSubdirectory("gallery-bench-").FullName;
        try
        {
            var disk = Path.Combine(root, "disk.raw");
            await DiskImage.CreateFromSystemAsync(disk, diskGib * 1024L * 1024 * 1024, contentMib * 1024L * 1024);
            await using var suite = await GallerySuite.StartAsync(Path.Combine(root, "house"), 27300);
            await suite.SucceedAsync("login", "--as", "owner");
            await suite.SucceedAsync("gallery", "create", "bench", "--group", "bench", "--location", "westus");
            await suite.SucceedAsync([
                .. "definition create disk --gallery bench --group bench --os linux --state generalized".Split(' '),
                .. "--publisher bench --offer bench --sku bench".Split(' '),
            ]);
            var benchmark = new SpeedBenchmark(
                root,
                disk,
                suite,
                await suite.CallAsAsync("owner", "catalog"),
                await suite.CallAsAsync("owner", "replication")
            );
            await benchmark.RunAsync(diskGib, others);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private async Task RunAsync(int diskGib, bool others)
    {
        _occupied = DiskImage.OccupiedBytes(_disk);
        Say($"a file system of {_occupied / 1048576.0:F0} MiB occupied in a sparse file of {diskGib} GiB, made of this system's own files");
        await MeasureIngestAsync();
        await MeasureFurtherRegionsAsync();
        await MeasureFurtherReplicasAsync();
        await MeasureSuccessorAsync();
        if (others)
        {
            await OtherTools.RunAsync(_root, _disk, Say);
        }

        foreach (var region in FurtherRegions.Prepend("westus"))
        {
            Say($"most memory that the node of {region} ever had: {PeakMemory(_suite.PidOf($"region-{region}")) / 1048576.0:F0} MiB");
        }
    }

    /// <summary>Disks that have no block in common; the first comes to nodes that have just started and never saw one. The last is used on.</summary>
    private async Task MeasureIngestAsync()
    {
        var ratios = new List<double>();
        foreach (var version in (string[])["0.1.0", "0.2.0", "1.0.0"])
        {
            if (ratios.Count > 0)
            {
                DiskImage.Renew(_disk, ratios.Count);
                await OtherTools.RunAsync("sync", _disk);
            }

            var copy = await CopyAsync();
            var ingest = await Clock.TimeAsync(() => PublishAsync(version));
            ratios.Add(Say("a new disk, from the command to the answer that its version is being made", ingest, copy));
            await CompleteAsync($"{Definition}/versions/{version}", "westus", 1);
        }

        Say($"a new disk takes {Median(ratios):F2} x, median of {ratios.Count}");
    }

    private async Task MeasureFurtherRegionsAsync()
    {
        var ratios = new List<double>();
        foreach (var region in FurtherRegions)
        {
            var copy = await CopyAsync();
            var add = await Clock.TimeAsync(() => WantAsync(First, region, 1));
            ratios.Add(Say($"one further region, {region}", add, copy));
        }

        Say($"one further region takes {Median(ratios):F2} x, median of {ratios.Count}");
    }

    private async Task MeasureFurtherReplicasAsync()
    {
        var ratios = new List<double>();
        for (var count = 2; count <= 4; count++)
        {
            var copy = await CopyAsync();
            var add = await Clock.TimeAsync(() => WantAsync(First, "westus", count));
            ratios.Add(Say($"replica {count} in the same region", add, copy));
        }

        Say($"a further replica in the same region takes {Median(ratios):F2} x, median of {ratios.Count}");
    }

    private async Task MeasureSuccessorAsync()
    {
        await DiskImage.CopyAsync(_disk, Path.Combine(_root, "before.raw"));
        var changed = DiskImage.MoveInPlace(_disk, fractionOfOccupied: 0.05, seed: 2);
        Say($"a successor: {Share(changed)} of the occupied bytes overwritten in place by runs of 32 to 96 KiB from elsewhere on the disk");
        var copy = await CopyAsync();
        var wire = Wire.Received();
        var ingest = await Clock.TimeAsync(() => PublishAsync("1.0.1"));
        wire = Wire.Received() - wire;
        Say("the successor, from the command to the answer that its version is being made", ingest, copy);
        Say($"  blocks uploaded {Share(await UploadedAsync())}, bytes on the wire {Share(wire)} of the occupied size");
        await CompleteAsync(Successor, "westus", 1);

        var ratios = new List<double>();
        foreach (var region in FurtherRegions)
        {
            copy = await CopyAsync();
            wire = Wire.Received();
            var add = await Clock.TimeAsync(() => WantAsync(Successor, region, 1));
            wire = Wire.Received() - wire;
            ratios.Add(Say($"the successor in {region}", add, copy));
            Say($"  blocks moved {Share(await MovedAsync(region))}, bytes on the wire {Share(wire)} of the occupied size");
        }

        Say($"the successor takes {Median(ratios):F2} x a region, median of {ratios.Count}");
    }

    private Task PublishAsync(string version) =>
        _suite.SucceedAsync([
            .. $"image publish {_disk} --gallery bench --group bench --definition disk --version {version} --to westus=1".Split(' '),
        ]);

    private async Task WantAsync(string name, string region, int count)
    {
        var version = (await _catalog.GetImageVersionAsync(new GetImageVersionRequest { Name = name })).ImageVersion;
        var targets = version.PublishingProfile.TargetRegions;
        if (targets.FirstOrDefault(target => target.Name == region) is { } target)
        {
            target.RegionalReplicaCount = count;
        }
        else
        {
            targets.Add(new TargetRegion { Name = region, RegionalReplicaCount = count });
        }

        await _catalog.UpdateImageVersionAsync(
            new UpdateImageVersionRequest
            {
                ImageVersion = version,
                UpdateMask = new FieldMask { Paths = { "publishing_profile.target_regions" } },
            }
        );
        await CompleteAsync(name, region, count);
    }

    /// <summary>Until the region has so many replicas, and Catalog has heard of it, so that the next change can be asked for.</summary>
    private async Task CompleteAsync(string name, string region, int count)
    {
        using var watch = _replication.WatchReplicationStatus(new WatchReplicationStatusRequest { Version = name });
        await foreach (var message in watch.ResponseStream.ReadAllAsync())
        {
            if (
                message.Status.Summary.Any(row =>
                    row.Region == region && row.State == RegionalReplicationState.Completed && row.ReadyReplicaCount == count
                )
            )
            {
                break;
            }
        }

        using var settled = _catalog.WatchImageVersion(new WatchImageVersionRequest { Name = name, UntilSettled = true });
        await foreach (var _ in settled.ResponseStream.ReadAllAsync()) { }
    }

    private async Task<long> UploadedAsync()
    {
        var version = (await _catalog.GetImageVersionAsync(new GetImageVersionRequest { Name = Successor })).ImageVersion;
        var snapshots = new SnapshotService.SnapshotServiceClient(await _suite.CallAsAsync("owner", "replication"));
        var name = version.StorageProfile.OsDiskImage.Snapshot;
        return (await snapshots.GetSnapshotAsync(new GetSnapshotRequest { Name = name })).Snapshot.ReceivedBytes;
    }

    private async Task<long> MovedAsync(string region) =>
        (await _replication.ListReplicasAsync(new ListReplicasRequest { Parent = Successor }))
            .Replicas.Where(replica => replica.Region == region)
            .Sum(replica => replica.TransferredBytes);

    private async Task<TimeSpan> CopyAsync()
    {
        var copy = Path.Combine(_root, "copy.raw");
        var time = await Clock.TimeAsync(async () =>
        {
            await DiskImage.CopyAsync(_disk, copy);
            await OtherTools.RunAsync("sync", copy);
        });
        File.Delete(copy);
        return time;
    }

    private string Share(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{100.0 * bytes / _occupied:F1} %");

    private static double Say(string what, TimeSpan time, TimeSpan copy)
    {
        var ratio = time / copy;
        Say($"{what}: {time.TotalSeconds:F2} s = {ratio:F2} x (cp + sync {copy.TotalSeconds:F2} s)");
        return ratio;
    }

    private static void Say(string line) => Console.WriteLine($"speed: {line}");

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static long PeakMemory(int pid) =>
        File.ReadLines($"/proc/{pid}/status")
            .Where(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024)
            .Single();
}
