using System.Globalization;
using Gallery.TestKit.Suite;

namespace Gallery.Benchmarks;

/// <summary>Start-up time of the whole house on a built tree, and its memory when nothing is asked of it.</summary>
internal static class HouseBenchmark
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(30);

    public static async Task RunAsync()
    {
        var root = Directory.CreateTempSubdirectory("gallery-bench-").FullName;
        // The first start makes keys and folders; the second is what a user sees every day. Both are printed.
        await using var suite = await GallerySuite.StartAsync(Path.Combine(root, "house"), 27300);
        var first = suite.StartTime;
        await suite.StopAsync();
        await suite.StartAsync();
        Console.WriteLine(
            $"house: {suite.Pids.Count} processes healthy after {Seconds(first)} (first start), {Seconds(suite.StartTime)} (again)"
        );

        await Task.Delay(Settling);
        var total = 0L;
        foreach (var (name, bytes) in suite.Pids.Select(ProportionalMemory).OrderByDescending(entry => entry.Bytes))
        {
            Console.WriteLine($"house:   {bytes / 1048576.0, 7:F1} MiB  {name}");
            total += bytes;
        }
        Console.WriteLine($"house: {total / 1073741824.0:F2} GiB of memory in all, idle for {Settling.TotalSeconds:F0} s");
    }

    // Shared pages count once over all processes that share them.
    private static (string Name, long Bytes) ProportionalMemory(int pid)
    {
        var command = File.ReadAllText($"/proc/{pid}/cmdline").TrimEnd('\0').Split('\0');
        var name = command.FirstOrDefault(word => word.EndsWith(".dll", StringComparison.Ordinal)) ?? command[0];
        var kib = File.ReadLines($"/proc/{pid}/smaps_rollup")
            .Where(line => line.StartsWith("Pss:", StringComparison.Ordinal))
            .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture))
            .Single();
        return (Path.GetFileName(name), kib * 1024);
    }

    private static string Seconds(TimeSpan time) => $"{time.TotalSeconds:F1} s";
}
