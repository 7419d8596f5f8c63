using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Gallery.Region.Transfers;

/// <summary>zstd around blocks that travel.</summary>
internal static class ZstdWire
{
    /// <summary>Its name in `Content-Encoding` and `Accept-Encoding` (RFC 8878, section 7.2).</summary>
    public const string Name = "zstd";

    /// <summary>
    /// A sender says how much of what it sent its receiver must remember, up to gigabytes. 8 MiB are what any receiver should bear (RFC 8878,
    /// section 3.1.1.1.2); who says more is refused.
    /// </summary>
    private const int LargestWindowLog = 23;

    /// <summary>The same in MiB, for messages.</summary>
    public const int LargestWindowMib = 1 << (LargestWindowLog - 20);

    /// <summary>Unpacks a stream. Dispose it: its window lies outside of the collected memory, and would stay until the next collection.</summary>
    public static DecompressionStream Unpack(Stream packed)
    {
        var stream = new DecompressionStream(packed);
        stream.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, LargestWindowLog);
        return stream;
    }
}
