using System.Buffers;

namespace Gallery.Cli.Uploads;

/// <summary>What a file's non-zero blocks come to: the size that replicas are billed for. For a VHD or VHDX its headers and tables count too.</summary>
internal static class OccupiedSize
{
    private const int StretchBlocks = 64;

    /// <summary>Reads the file's data and adds up its blocks that are not all zero.</summary>
    public static long Of(DiskFile file, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(StretchBlocks * TransferOptions.BlockSize);
        try
        {
            var occupied = 0L;
            foreach (var batch in Batch.Cut(FileExtents.WithData(file.Handle, file.Length, TransferOptions.BlockSize), StretchBlocks))
            {
                cancellation.ThrowIfCancellationRequested();
                foreach (var extent in batch.Extents)
                {
                    var data = buffer.AsSpan(0, (int)extent.Length);
                    file.Read(extent.Offset, data);
                    for (var rest = data; rest.Length > 0; )
                    {
                        var block = rest[..Math.Min(TransferOptions.BlockSize, rest.Length)];
                        occupied += block.ContainsAnyExcept((byte)0) ? block.Length : 0;
                        rest = rest[block.Length..];
                    }
                }
            }

            return occupied;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
