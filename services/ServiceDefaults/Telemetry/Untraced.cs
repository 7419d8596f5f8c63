using OpenTelemetry;

namespace Gallery.ServiceDefaults.Telemetry;

/// <summary>
/// For calls that are made all the time and say nothing by themselves, such as heartbeats: they would drown the traces of work. Metrics count
/// them all the same.
/// </summary>
public static class Untraced
{
    /// <summary>What is called in this flow, until the answer is disposed of, leaves no spans.</summary>
    public static IDisposable Begin() => SuppressInstrumentationScope.Begin();
}
