using System.Globalization;

namespace Gallery.Benchmarks;

/// <summary>
/// What went over the wire: all that the loopback interface carried, so that everything counts that any process of the house said, telemetry and
/// Redis included.
/// </summary>
internal static class Wire
{
    /// <summary>Bytes received on the loopback interface since the machine started.</summary>
    public static long Received() =>
        File.ReadLines("/proc/net/dev")
            .Select(line => line.Split([' ', ':'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words[0] == "lo")
            .Select(words => long.Parse(words[1], CultureInfo.InvariantCulture))
            .Single();
}
