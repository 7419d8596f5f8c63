using System.Buffers;
using System.IO.Compression;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Gallery.Region.Formats;

/// <summary>Unpacks compressed clusters, one after the other, into a buffer of its own. What a cluster may cost is bounded whatever it says.</summary>
internal sealed class ClusterDecoder : IDisposable
{
    /// <summary>Clusters have at most 2 MiB, so a window beyond 8 MiB is a lie that would only take memory.</summary>
    private const int LargestWindowLog = 23;

    private Decompressor? _zstd;
    private byte[] _cluster = [];

    /// <summary>Unpacks a cluster; the bytes are good until the next call.</summary>
    /// <param name="stored">Begins with the stored bytes of the run.</param>
    /// <param name="run">Which run.</param>
    /// <exception cref="InvalidDiskFormatException">The bytes are damaged, or too few.</exception>
    public ReadOnlyMemory<byte> Decode(byte[] stored, in DiskRun run)
    {
        if (_cluster.Length < run.Length)
        {
            _cluster = new byte[run.Length];
        }

        var cluster = _cluster.AsMemory(0, (int)run.Length);
        var source = new ArraySegment<byte>(stored, 0, (int)run.StoredLength);
        var written = run.Encoding == RunEncoding.Deflate ? Inflate(source, cluster.Span, run) : UnpackZstd(source, cluster.Span, run);
        return written == cluster.Length
            ? cluster
            : throw Damaged(run, $"it comes to {written} bytes where {cluster.Length} are due", null);
    }

    /// <inheritdoc/>
    public void Dispose() => _zstd?.Dispose();

    private static int Inflate(ArraySegment<byte> stored, Span<byte> cluster, in DiskRun run)
    {
        using var source = new MemoryStream(stored.Array!, stored.Offset, stored.Count, writable: false);
        using var deflate = new DeflateStream(source, CompressionMode.Decompress);
        try
        {
            return deflate.ReadAtLeast(cluster, cluster.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException exception)
        {
            throw Damaged(run, "it is not deflated", exception);
        }
    }

    /// <summary>What follows the frame is another cluster's, so it is unpacked until the cluster is full.</summary>
    private int UnpackZstd(ReadOnlySpan<byte> stored, Span<byte> cluster, in DiskRun run)
    {
        if (_zstd is null)
        {
            _zstd = new Decompressor();
            _zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, LargestWindowLog);
        }

        _zstd.ResetStream();
        var written = 0;
        try
        {
            while (written < cluster.Length && stored.Length > 0)
            {
                var status = _zstd.UnwrapStream(stored, cluster[written..], out var consumed, out var produced);
                written += produced;
                stored = stored[consumed..];
                if (status == OperationStatus.InvalidData || (consumed == 0 && produced == 0))
                {
                    break;
                }
            }

            return written;
        }
        catch (ZstdException exception)
        {
            throw Damaged(run, "it is not packed with Zstandard", exception);
        }
    }

    private static InvalidDiskFormatException Damaged(in DiskRun run, string why, Exception? inner) =>
        new($"The compressed cluster at offset {run.FileOffset}, of the disk's byte {run.DiskOffset}, is damaged: {why}.", inner);
}
