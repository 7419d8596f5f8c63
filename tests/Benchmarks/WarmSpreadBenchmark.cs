using System.Diagnostics;
using System.Net.Http.Headers;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Benchmarks;

/// <summary>A scale set of 1,000 machines that all read the same image at once: what it reads from the disk, and the memory it takes.</summary>
internal static class WarmSpreadBenchmark
{
    private const int Machines = 1000;
    private const int MachinesPerReplica = 20;
    private const int DiskMib = 8;
    private const string Disk = "warm";
    private const string Node = "region-westus";

    public static async Task RunAsync()
    {
        var root = Directory.CreateTempSubdirectory("gallery-bench-").FullName;
        try
        {
            await using var house = await ReplicaHouse.StartAsync(Path.Combine(root, "house"));
            var disk = Path.Combine(root, "disk.raw");
            BenchmarkDisk.WriteDense(disk, DiskMib);
            await house.PublishAsync(disk, Disk, Machines / MachinesPerReplica);
            var placed = await house.PlaceAsync(Disk, Machines);
            using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Machines });
            var before = house.BytesRead(Node);
            var clock = Stopwatch.StartNew();
            var sizes = await Task.WhenAll(
                placed.Leases.SelectMany(lease => Enumerable.Repeat(lease, lease.MachineCount)).Select(lease => ReadAsync(http, lease))
            );
            var seconds = clock.Elapsed.TotalSeconds;
            var read = house.BytesRead(Node) - before;
            if (sizes.Length != Machines || sizes.Any(size => size != DiskMib << 20))
            {
                throw new InvalidOperationException("Some machine did not get the whole disk.");
            }

            Console.WriteLine(
                $"warm-spread: {Machines} machines read {DiskMib} MiB each from {placed.Leases.Count} replicas in {seconds:F1} s ({Machines * DiskMib / seconds:F0} MiB/s); {read / 1048576.0:F0} MiB were read from the stores"
            );
            Console.WriteLine($"warm-spread: most memory of the region's process: {house.PeakMemory(Node) / 1048576.0:F0} MiB");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<long> ReadAsync(HttpClient http, Lease lease)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{lease.HttpUrl}/v1/replicas/{lease.ReplicaId}/disks/os");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", lease.Token);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync();
        var (buffer, total) = (new byte[32 * 1024], 0L);
        for (int some; (some = await body.ReadAsync(buffer)) > 0; )
        {
            total += some;
        }

        return total;
    }
}
