using System.Diagnostics;
using Gallery.TestKit.Suite.Faults;

namespace Gallery.Benchmarks.Soak;

/// <summary>Rounds of publishing while things break, for as long as one likes. The first lie, lost byte or endless wait ends it.</summary>
internal static class SoakRun
{
    private const long MiB = 1024 * 1024;
    private const int PatienceSeconds = 180;

    public static async Task<int> RunAsync(TimeSpan time, int seed)
    {
        Console.WriteLine($"soak: seed {seed}");
        var random = new Random(seed);
        var clock = Stopwatch.StartNew();
        await using var house = new FaultyHouse(27800, "gallery-soak-");
        await house.StartAsync(new Dictionary<string, string> { ["Region__MaxTransferBytesPerSecond"] = $"{32 * MiB}" });
        var faults = 0;
        for (var round = 1; clock.Elapsed < time; round++)
        {
            try
            {
                faults += await RoundAsync(house, round, random);
            }
            catch (Exception exception)
            {
                var logs = Directory.CreateTempSubdirectory("gallery-soak-logs-").FullName;
                foreach (var log in Directory.EnumerateFiles(Path.Combine(house.Suite.DataPath, "logs")))
                {
                    File.Copy(log, Path.Combine(logs, Path.GetFileName(log)));
                }

                Console.WriteLine($"soak: round {round} of seed {seed} FAILED; the logs are in {logs}\n{exception}");
                return 1;
            }
        }

        Console.WriteLine($"soak: {faults} faults in {clock.Elapsed.TotalMinutes:F1} min, nothing lost and no row that lied");
        return 0;
    }

    private static async Task<int> RoundAsync(FaultyHouse house, int round, Random random)
    {
        string[] targets =
        [
            "westus=1",
            .. FaultyHouse.Regions.Skip(1).Where(_ => random.Next(3) > 0).Select(region => Target(region, random)),
        ];
        var faults = Enumerable.Range(0, random.Next(1, 4)).Select(_ => SoakFault.Choose(random)).ToList();
        Console.WriteLine($"soak: round {round}: {string.Join(' ', targets)}; {string.Join(", ", faults.Select(fault => fault.Name))}");
        var clock = Stopwatch.StartNew();
        await using var version = await DisturbedVersion.PublishAsync(house, $"1.{round}.0", random.Next(16, 97), targets);
        foreach (var fault in faults)
        {
            await Task.Delay(random.Next(0, 1500));
            await fault.HappenAsync(house);
        }

        // Each fault may break off the copies to all regions.
        var copies = targets.Length - 1;
        await version.ConvergesAsync(copies, breaks: faults.Sum(fault => fault.Breaks) * Math.Max(1, copies), PatienceSeconds);
        Console.WriteLine(
            $"soak:   {version.OccupiedBytes / MiB} MiB to {copies} further regions, {version.SentBytes / MiB} MiB sent with the downloads, {clock.Elapsed.TotalSeconds:F0} s"
        );
        await house.Suite.SucceedAsync("version", "delete", version.Name);
        return faults.Count;
    }

    private static string Target(string region, Random random) =>
        $"{region}={random.Next(1, 3)}{(random.Next(2) == 0 ? ":Standard_ZRS" : "")}";
}
