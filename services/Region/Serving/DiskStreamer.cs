using System.Buffers;
using Gallery.Contracts.Region.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Content.Views;
using Gallery.Region.Node;
using Google.Protobuf;
using Grpc.Core;

namespace Gallery.Region.Serving;

/// <summary>Answers `ReadDisk`: gathers blocks into messages, and sends holes by their length.</summary>
internal sealed class DiskStreamer(DiskReaders readers, ReplicaLimits limits, RegionTelemetry telemetry)
{
    /// <summary>Sends a range that lies within a disk.</summary>
    /// <exception cref="RegionException">The replica has as many readers as it may have, or a block can't be read.</exception>
    public async Task SendAsync(
        string replica,
        IDiskView disk,
        long offset,
        long length,
        IServerStreamWriter<ReadDiskResponse> stream,
        CancellationToken cancellationToken
    )
    {
        using var reading = limits.Enter(replica);
        var buffer = ArrayPool<byte>.Shared.Rent(readers.ReadAhead * BlockLayout.BlockSize);
        try
        {
            var gathered = 0;
            await foreach (var piece in disk.ReadAsync(offset, length, cancellationToken))
            {
                if (piece.ZeroLength > 0)
                {
                    await SendAsync(piece.Offset - gathered, gathered);
                    gathered = 0;
                    await stream.WriteAsync(
                        new ReadDiskResponse { Offset = piece.Offset, ZeroLength = piece.ZeroLength },
                        cancellationToken
                    );
                    continue;
                }

                piece.Data.CopyTo(buffer.AsMemory(gathered));
                gathered += piece.Data.Length;
                piece.Release();
                if (gathered + BlockLayout.BlockSize > buffer.Length)
                {
                    await SendAsync(piece.Offset + piece.Data.Length - gathered, gathered);
                    gathered = 0;
                }
            }

            await SendAsync(offset + length - gathered, gathered);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        async ValueTask SendAsync(long start, int count)
        {
            if (count > 0)
            {
                await limits.WaitAsync(replica, count, cancellationToken);
                // The message is written out before the call returns, so the buffer can be used again.
                var data = UnsafeByteOperations.UnsafeWrap(buffer.AsMemory(0, count));
                await stream.WriteAsync(new ReadDiskResponse { Offset = start, Data = data }, cancellationToken);
                telemetry.Served(count, "grpc");
            }
        }
    }
}
