using Gallery.TestKit.Suite.Faults;

namespace Gallery.Benchmarks.Soak;

/// <summary>Something that breaks for a while and is put right again.</summary>
/// <param name="Name">What is printed.</param>
/// <param name="Breaks">How often a copy can break off by it.</param>
/// <param name="HappenAsync">Breaks it, waits, and puts it right.</param>
internal sealed record SoakFault(string Name, int Breaks, Func<FaultyHouse, Task> HappenAsync)
{
    private const long MiB = 1024 * 1024;

    /// <summary>One by chance.</summary>
    public static SoakFault Choose(Random random)
    {
        var region = FaultyHouse.Regions[random.Next(FaultyHouse.Regions.Count)];
        var pause = TimeSpan.FromMilliseconds(random.Next(200, 4000));
        return random.Next(8) switch
        {
            0 or 1 => Kill($"region-{region}", pause),
            2 => Kill("replication", pause),
            3 => Kill("redis", pause),
            4 => Kill("catalog", pause),
            5 => OnLink($"{region} falls silent", region, pause, link => link.Silence()),
            6 => OnLink($"{region} is slow", region, pause, link => link.Slow(MiB, TimeSpan.FromMilliseconds(50)), breaks: 0),
            _ => Flap(region, random.Next(2, 6)),
        };
    }

    private static SoakFault Kill(string resource, TimeSpan pause) =>
        new(
            $"kill -9 {resource}",
            1,
            async house =>
            {
                await house.Suite.KillAsync(resource);
                await Task.Delay(pause);
                await house.Suite.RestartAsync(resource);
            }
        );

    private static SoakFault OnLink(string name, string region, TimeSpan pause, Action<FaultyLink> harm, int breaks = 1) =>
        new(
            name,
            breaks,
            async house =>
            {
                harm(house.Links[region]);
                await Task.Delay(pause);
                house.Links[region].Restore();
            }
        );

    private static SoakFault Flap(string region, int times) =>
        new(
            $"{region} flaps {times} times",
            times,
            async house =>
            {
                for (var time = 0; time < times; time++)
                {
                    house.Links[region].Close();
                    await Task.Delay(100);
                    house.Links[region].Restore();
                    await Task.Delay(400);
                }
            }
        );
}
