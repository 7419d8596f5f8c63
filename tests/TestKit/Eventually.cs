using System.Diagnostics;
using Xunit.Sdk;

namespace Gallery.TestKit;

/// <summary>Waits for what happens in the background.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(10);

    /// <summary>Waits until a condition holds.</summary>
    public static Task Async(Func<bool> condition, TimeSpan? timeout = null, string what = "the condition") =>
        Async(() => Task.FromResult(condition()), timeout, what);

    /// <summary>Waits until a condition holds.</summary>
    public static async Task Async(Func<Task<bool>> condition, TimeSpan? timeout = null, string what = "the condition") =>
        await GetAsync(condition, holds => holds, timeout, what);

    /// <summary>Waits until a value is as it should be, and gives it.</summary>
    public static async Task<T> GetAsync<T>(Func<Task<T>> read, Func<T, bool> good, TimeSpan? timeout = null, string what = "the value")
    {
        var limit = timeout ?? Usual;
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var value = await read();
            if (good(value))
            {
                return value;
            }

            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                throw new XunitException($"Waited {limit.TotalSeconds:0.#} s in vain for {what}; last seen: {value}");
            }

            await Task.Delay(Pause);
        }
    }
}
