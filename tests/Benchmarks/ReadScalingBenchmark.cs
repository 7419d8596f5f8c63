using System.Diagnostics;

namespace Gallery.Benchmarks;

/// <summary>What 1 to 8 replicas give together when each may give so much: added replicas add throughput.</summary>
internal static class ReadScalingBenchmark
{
    private const int MiB = 1 << 20;
    private const int DiskMib = 128;
    private const int ReadersPerReplica = 2;
    private const string Disk = "scaling";

    public static async Task RunAsync(int mibPerSecond)
    {
        var root = Directory.CreateTempSubdirectory("gallery-bench-").FullName;
        try
        {
            var limit = ("Region__MaxReplicaBytesPerSecond", $"{mibPerSecond * MiB}");
            await using var house = await ReplicaHouse.StartAsync(Path.Combine(root, "house"), limit);
            var disk = Path.Combine(root, "disk.raw");
            BenchmarkDisk.WriteDense(disk, DiskMib);
            await house.PublishAsync(disk, Disk, replicas: 8);
            var one = 0.0;
            foreach (var replicas in new[] { 1, 2, 4, 8 })
            {
                var rate = await MeasureAsync(house, replicas);
                one = replicas == 1 ? rate : one;
                Console.WriteLine(
                    $"read-scaling: {replicas} replicas of {mibPerSecond} MiB/s give {rate:F0} MiB/s: {rate / one / replicas:F2} x linear"
                );
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<double> MeasureAsync(ReplicaHouse house, int replicas)
    {
        var urls = new List<string[]>();
        for (var ordinal = 0; ordinal < replicas; ordinal++)
        {
            var lease = (await house.PlaceAsync(Disk, ReadersPerReplica, ordinal)).Leases.Single();
            urls.AddRange(Enumerable.Repeat(Curl.ReplicaOf(lease), ReadersPerReplica));
            await house.ReleaseAsync([lease]); // Its token is good for as long as this takes.
        }

        var clock = Stopwatch.StartNew();
        await Task.WhenAll(urls.Select(Curl.ReadAsync));
        return urls.Count * (double)DiskMib / clock.Elapsed.TotalSeconds;
    }
}
