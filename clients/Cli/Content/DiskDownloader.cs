using Gallery.Cli.Progress;
using Gallery.Cli.Uploads;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Region.V1;
using Microsoft.Win32.SafeHandles;

namespace Gallery.Cli.Content;

/// <summary>
/// Reads a disk from a replica, in some format, into a file that is all hole: several ranges at once, each written where it belongs; what the node calls a
/// hole is left one. A range that is cut goes on behind its last byte.
/// </summary>
internal sealed class DiskDownloader(
    NodeAccess node,
    DiskSlot slot,
    DiskFormat format,
    SafeFileHandle file,
    long size,
    TransferOptions options,
    IProgress<TransferProgress> progress
)
{
    private long done;
    private long moved;

    /// <summary>Reads all of the disk.</summary>
    /// <exception cref="CommandFailure">The node sent something else than was asked for.</exception>
    public async Task ReceiveAsync(CancellationToken cancellation)
    {
        var limits = new ParallelOptions { MaxDegreeOfParallelism = options.Parallelism, CancellationToken = cancellation };
        await Parallel.ForEachAsync(Ranges(), limits, async (range, ct) => await ReceiveAsync(range, ct));
        if (done != size)
        {
            throw CommandFailure.Failed($"The file has {size} bytes, and {done} were received.");
        }
    }

    private IEnumerable<Extent> Ranges()
    {
        for (var offset = 0L; offset < size; offset += options.RangeBytes)
        {
            yield return new Extent(offset, Math.Min(options.RangeBytes, size - offset));
        }
    }

    private async Task ReceiveAsync(Extent range, CancellationToken cancellation)
    {
        var position = range.Offset;
        await node.DoAsync(
            async (grant, ct) =>
            {
                var request = new ReadDiskRequest
                {
                    ReplicaId = grant.ResourceId,
                    Slot = slot,
                    Offset = position,
                    Length = range.End - position,
                    Format = format,
                };
                if (request.Length == 0)
                {
                    return true;
                }

                using var call = new ContentService.ContentServiceClient(grant.Invoker).ReadDisk(
                    request,
                    grant.Headers,
                    cancellationToken: ct
                );
                while (await call.ResponseStream.MoveNext(ct))
                {
                    position = Take(call.ResponseStream.Current, position, range.End);
                }

                return position == range.End ? true : throw Unexpected($"it ended at byte {position} instead of {range.End}");
            },
            cancellation
        );
    }

    /// <summary>Puts a piece in its place.</summary>
    /// <returns>The byte behind it.</returns>
    private long Take(ReadDiskResponse piece, long expected, long end)
    {
        var length = piece.PieceCase == ReadDiskResponse.PieceOneofCase.Data ? piece.Data.Length : piece.ZeroLength;
        if (piece.Offset != expected || length < 0 || length > end - expected)
        {
            throw Unexpected($"a piece of {length} bytes at byte {piece.Offset}, where byte {expected} was due");
        }

        if (piece.PieceCase == ReadDiskResponse.PieceOneofCase.Data)
        {
            RandomAccess.Write(file, piece.Data.Span, piece.Offset);
            Interlocked.Add(ref moved, length);
        }

        progress.Report(new TransferProgress(Interlocked.Add(ref done, length), size, Interlocked.Read(ref moved)));
        return expected + length;
    }

    private static CommandFailure Unexpected(string what) =>
        CommandFailure.Failed(
            $"The node's answer is not what was asked for: {what}.",
            "Try another --replica, and report it to the gallery's operator."
        );
}
