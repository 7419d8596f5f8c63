using System.Buffers;
using Gallery.Region.Blocks;
using Gallery.Region.Formats;
using Gallery.Region.Stores;

namespace Gallery.Region.Uploads;

/// <summary>The file of an upload, read from its blocks.</summary>
internal sealed class StagedFile(long length, BlockMap map, IBlockReader blocks) : IStagedFile
{
    /// <inheritdoc/>
    public long Length => length;

    /// <inheritdoc/>
    public async ValueTask ReadAsync(long offset, Memory<byte> destination, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BlockLayout.BlockSize);
        try
        {
            while (destination.Length > 0)
            {
                var index = offset / BlockLayout.BlockSize;
                var within = (int)(offset % BlockLayout.BlockSize);
                var block = new BlockRef(map[index], BlockLayout.LengthOf(index, length));
                var count = Math.Min(destination.Length, block.Length - within);
                if (block.Digest.IsHole)
                {
                    destination.Span[..count].Clear();
                }
                else
                {
                    await blocks.ReadAsync(new[] { block }, buffer.AsMemory(0, block.Length), cancellationToken);
                    buffer.AsSpan(within, count).CopyTo(destination.Span);
                }

                destination = destination[count..];
                offset += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
