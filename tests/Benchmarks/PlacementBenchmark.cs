using System.Diagnostics;

namespace Gallery.Benchmarks;

/// <summary>Placing 1,000 machines in one call, with as many replicas as they need and some more.</summary>
internal static class PlacementBenchmark
{
    private const int Machines = 1000;
    private const int Replicas = 60;
    private const int Rounds = 20;
    private const string Disk = "placement";

    public static async Task RunAsync()
    {
        var root = Directory.CreateTempSubdirectory("gallery-bench-").FullName;
        try
        {
            await using var house = await ReplicaHouse.StartAsync(Path.Combine(root, "house"));
            var disk = Path.Combine(root, "disk.raw");
            BenchmarkDisk.WriteDense(disk, 1);
            await house.PublishAsync(disk, Disk, Replicas);
            var times = new List<double>();
            for (var round = 0; round <= Rounds; round++)
            {
                var clock = Stopwatch.StartNew();
                var placed = await house.PlaceAsync(Disk, Machines);
                times.Add(clock.Elapsed.TotalMilliseconds);
                var (least, most) = (placed.Spread.Min(load => load.MachinesAfter), placed.Spread.Max(load => load.MachinesAfter));
                if (placed.Leases.Sum(lease => lease.MachineCount) != Machines || most > least + 1)
                {
                    throw new InvalidOperationException($"Placed unevenly: {least} to {most} machines a replica.");
                }

                await house.ReleaseAsync(placed.Leases);
            }

            var sorted = times.Skip(1).Order().ToList(); // The first one warms.
            Console.WriteLine(
                $"placement: {Machines} machines on {Replicas} replicas in {sorted[Rounds / 2]:F1} ms, median of {Rounds}; {sorted[^1]:F1} ms at most"
            );
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }
}
