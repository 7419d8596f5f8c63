using System.Buffers;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Content;

/// <summary>Reads what a <see cref="DeltaWriter"/> wrote. What comes out is unchecked, as what goes in is.</summary>
internal sealed class DeltaReader(Stream answer, IBlockReader store) : IDisposable
{
    private readonly byte[] _bytes = ArrayPool<byte>.Shared.Rent(BlockDelta.MaxLength);

    /// <summary>Reads a block.</summary>
    /// <param name="earlier">The block that it was asked for with; the default value for none.</param>
    /// <param name="block">Where to; as long as the block.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="InvalidDataException">It is neither whole nor a delta that was asked for.</exception>
    public async ValueTask ReadAsync(BlockDigest earlier, Memory<byte> block, CancellationToken cancellationToken)
    {
        await answer.ReadExactlyAsync(_bytes.AsMemory(0, 1), cancellationToken);
        switch (_bytes[0])
        {
            case BlocksEndpoint.Whole:
                await answer.ReadExactlyAsync(block, cancellationToken);
                break;
            case BlocksEndpoint.Delta when !earlier.IsHole:
                await ApplyAsync(earlier, block, cancellationToken);
                break;
            default:
                throw new InvalidDataException($"A block begins with {_bytes[0]}.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

    private async ValueTask ApplyAsync(BlockDigest earlier, Memory<byte> block, CancellationToken cancellationToken)
    {
        await store.ReadUncheckedAsync(new[] { new BlockRef(earlier, block.Length) }, block, cancellationToken);
        var bitmap = _bytes.AsMemory(0, BlockDelta.BitmapLength(block.Length));
        await answer.ReadExactlyAsync(bitmap, cancellationToken);
        var changed = _bytes.AsMemory(bitmap.Length, BlockDelta.ChangedLength(bitmap.Span, block.Length));
        await answer.ReadExactlyAsync(changed, cancellationToken);
        BlockDelta.Apply(block.Span, bitmap.Span, changed.Span);
    }
}
