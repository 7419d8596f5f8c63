using Gallery.TestKit.Suite;

namespace Gallery.Benchmarks;

/// <summary>Reading a replica over HTTP, beside nginx serving the same raw file; curl reads both, both warm.</summary>
internal static class HttpReadBenchmark
{
    private const int Rounds = 5;

    public static async Task RunAsync(int contentMib, int diskGib)
    {
        var root = Directory.CreateTempSubdirectory("gallery-bench-").FullName;
        try
        {
            await using var house = await ReplicaHouse.StartAsync(Path.Combine(root, "house"));
            var dense = Path.Combine(root, "dense.raw");
            BenchmarkDisk.WriteDense(dense, contentMib);
            await MeasureAsync(house, root, dense, "dense", $"{contentMib} MiB without holes");
            var sparse = Path.Combine(root, "sparse.raw");
            await DiskImage.CreateFileSystemAsync(sparse, diskGib * 1024L * 1024 * 1024, contentMib * 1024L * 1024, seed: 1);
            await MeasureAsync(house, root, sparse, "sparse", $"a file system of {contentMib} MiB in {diskGib} GiB, holes spelt out");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task MeasureAsync(ReplicaHouse house, string root, string disk, string name, string what)
    {
        await house.PublishAsync(disk, name, replicas: 1);
        using var nginx = await Nginx.StartAsync(root);
        var lease = (await house.PlaceAsync(name, 1)).Leases.Single();
        var replica = Curl.ReplicaOf(lease);
        string[] file = [$"{nginx.Url}/{Path.GetFileName(disk)}"];
        var (ours, theirs) = (new List<double>(), new List<double>());
        // The first round warms both, and is not counted.
        for (var round = 0; round <= Rounds; round++)
        {
            theirs.Add(await Curl.ReadAsync(file));
            ours.Add(await Curl.ReadAsync(replica));
        }

        var length = new FileInfo(disk).Length / 1048576.0;
        var (us, them) = (Median(ours.Skip(1)), Median(theirs.Skip(1)));
        Console.WriteLine(
            $"http: {what}: replica {length / us:F0} MiB/s, nginx {length / them:F0} MiB/s; a replica is read {them / us:F2} x as fast, median of {Rounds}"
        );
        Console.WriteLine($"http:   most memory of the region's process: {house.PeakMemory("region-westus") / 1048576.0:F0} MiB");
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
