using System.Diagnostics;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit.Suite;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Benchmarks;

/// <summary>One further region for a published version, beside a copy of the same file by `cp --sparse=always` and `sync`.</summary>
internal static class PublishBenchmark
{
    private const string Definition = "subscriptions/00000000-0000-0000-0000-00000000000a/resourceGroups/bench/galleries/bench/images/disk";
    private const string Version = Definition + "/versions/1.0.0";
    private static readonly string[] FurtherRegions = ["eastus", "northeurope", "brazilsouth"];

    public static async Task RunAsync(int contentMib, int diskGib)
    {
        var root = Directory.CreateTempSubdirectory("gallery-bench-").FullName;
        try
        {
            var disk = Path.Combine(root, "disk.raw");
            await DiskImage.CreateFileSystemAsync(disk, diskGib * 1024L * 1024 * 1024, contentMib * 1024L * 1024, seed: 1);
            await using var suite = await GallerySuite.StartAsync(Path.Combine(root, "house"), 27300);
            await suite.SucceedAsync("login", "--as", "owner");
            await suite.SucceedAsync("gallery", "create", "bench", "--group", "bench", "--location", "westus");
            await suite.SucceedAsync([
                .. "definition create disk --gallery bench --group bench --os linux --state generalized".Split(' '),
                .. "--publisher bench --offer bench --sku bench".Split(' '),
            ]);

            var publish = await TimeAsync(() =>
                suite.SucceedAsync([
                    .. $"image publish {disk} --gallery bench --group bench --definition disk --version 1.0.0".Split(' '),
                    "--to",
                    "westus=1",
                    "--watch",
                ])
            );
            var occupied = DiskImage.OccupiedBytes(disk);
            Console.WriteLine(
                $"publish: {occupied / 1048576.0:F0} MiB occupied of {diskGib} GiB; new disk into its home region in {publish.TotalSeconds:F2} s"
            );

            var ratios = new List<double>();
            foreach (var region in FurtherRegions)
            {
                var copy = await TimeAsync(() => CopyAndSyncAsync(disk, Path.Combine(root, "copy.raw")));
                File.Delete(Path.Combine(root, "copy.raw"));
                var replicate = await AddRegionAsync(suite, region);
                ratios.Add(replicate / copy);
                Console.WriteLine(
                    $"publish:   {region, -12} {replicate.TotalSeconds, 6:F2} s   cp + sync {copy.TotalSeconds, 6:F2} s   ratio {ratios[^1]:F2}"
                );
            }
            ratios.Sort();
            Console.WriteLine(
                $"publish: one further region takes {ratios[ratios.Count / 2]:F2} x (cp --sparse=always + sync), median of {ratios.Count}"
            );
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    // From the call that asks for the region until the region can serve the version.
    private static async Task<TimeSpan> AddRegionAsync(GallerySuite suite, string region)
    {
        var catalog = new ImageVersionService.ImageVersionServiceClient(await suite.CallAsAsync("owner", "catalog"));
        var replication = new ReplicationService.ReplicationServiceClient(await suite.CallAsAsync("owner", "replication"));
        var version = (await catalog.GetImageVersionAsync(new GetImageVersionRequest { Name = Version })).ImageVersion;
        version.PublishingProfile.TargetRegions.Add(new TargetRegion { Name = region, RegionalReplicaCount = 1 });
        var clock = Stopwatch.StartNew();
        await catalog.UpdateImageVersionAsync(
            new UpdateImageVersionRequest
            {
                ImageVersion = version,
                UpdateMask = new FieldMask { Paths = { "publishing_profile.target_regions" } },
            }
        );
        using var watch = replication.WatchReplicationStatus(new WatchReplicationStatusRequest { Version = Version });
        await foreach (var message in watch.ResponseStream.ReadAllAsync())
        {
            if (message.Status.Summary.Any(row => row.Region == region && row.State == RegionalReplicationState.Completed))
            {
                break;
            }
        }
        clock.Stop();
        // The next region can be asked for when Catalog has heard of it, too.
        using var settled = catalog.WatchImageVersion(new WatchImageVersionRequest { Name = Version, UntilSettled = true });
        await foreach (var _ in settled.ResponseStream.ReadAllAsync()) { }
        return clock.Elapsed;
    }

    private static async Task CopyAndSyncAsync(string from, string to)
    {
        await DiskImage.CopyAsync(from, to);
        using var sync = Process.Start("sync", to);
        await sync.WaitForExitAsync();
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        await work();
        return clock.Elapsed;
    }
}
