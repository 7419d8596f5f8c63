namespace Gallery.Region.Stores.Segments;

/// <summary>Which segments are worth rewriting. Pure.</summary>
internal static class CompactionRules
{
    /// <summary>A segment that would give back less is left alone: headers and marks alone must not make it worth the work.</summary>
    public const long LeastGain = 1024 * 1024;

    /// <summary>True when more than half of a segment, and not just a little, is dead.</summary>
    /// <param name="length">Bytes of the segment file.</param>
    /// <param name="live">Bytes of its blocks that are alive.</param>
    public static bool IsThin(long length, long live) => length - live > length / 2 && length - live >= LeastGain;
}
