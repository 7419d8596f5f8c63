using System.Diagnostics;
using System.Globalization;
using Gallery.Contracts.Replication.V1;

namespace Gallery.Benchmarks;

/// <summary>The same reader for all: `curl` that throws away what it gets.</summary>
internal static class Curl
{
    /// <summary>The arguments that read a lease's OS disk.</summary>
    public static string[] ReplicaOf(Lease lease) =>
        ["-H", $"authorization: Bearer {lease.Token}", $"{lease.HttpUrl}/v1/replicas/{lease.ReplicaId}/disks/os"];

    /// <summary>Reads to the end.</summary>
    /// <returns>Seconds that it took, as curl tells.</returns>
    public static async Task<double> ReadAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("curl", ["-sf", "-o", "/dev/null", "-w", "%{time_total}", .. arguments])
        {
            RedirectStandardOutput = true,
        };
        using var curl = Process.Start(start)!;
        var time = await curl.StandardOutput.ReadToEndAsync();
        await curl.WaitForExitAsync();
        return curl.ExitCode == 0
            ? double.Parse(time, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"curl ended with {curl.ExitCode}.");
    }
}

/// <summary>Disks for benchmarks.</summary>
internal static class BenchmarkDisk
{
    /// <summary>Writes a raw disk without holes, which nothing can compress.</summary>
    public static void WriteDense(string path, int mib)
    {
        var random = new Random(1);
        var buffer = new byte[1 << 20];
        using var file = File.Create(path);
        for (var i = 0; i < mib; i++)
        {
            random.NextBytes(buffer);
            file.Write(buffer);
        }
    }
}
