using System.Diagnostics;

namespace Gallery.Benchmarks;

/// <summary>Times work.</summary>
internal static class Clock
{
    /// <summary>How long it takes.</summary>
    public static async Task<TimeSpan> TimeAsync(Func<Task> work)
    {
        var clock = Stopwatch.StartNew();
        await work();
        return clock.Elapsed;
    }
}
