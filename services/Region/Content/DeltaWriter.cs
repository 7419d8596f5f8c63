using System.Buffers;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Content;

/// <summary>Writes blocks as deltas to blocks that the reader has, where the store has those too and the delta is the shorter.</summary>
internal sealed class DeltaWriter(RegionStore store, Stream answer) : IDisposable
{
    private readonly byte[] _earlier = ArrayPool<byte>.Shared.Rent(BlockLayout.BlockSize);
    private readonly byte[] _delta = ArrayPool<byte>.Shared.Rent(1 + BlockDelta.MaxLength);

    /// <summary>Writes some.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <param name="earlier">For each the block that the reader has; the default value for none.</param>
    /// <param name="bytes">The blocks' bytes, back to back.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task WriteAsync(
        ReadOnlyMemory<BlockRef> blocks,
        ReadOnlyMemory<BlockDigest> earlier,
        ReadOnlyMemory<byte> bytes,
        CancellationToken cancellationToken
    )
    {
        for (var i = 0; i < blocks.Length; i++)
        {
            var block = bytes[..blocks.Span[i].Length];
            bytes = bytes[block.Length..];
            if (
                await TryReadEarlierAsync(earlier.Span[i], block.Length, cancellationToken)
                && BlockDelta.Write(_earlier, block.Span, _delta.AsSpan(1)) is var length
                && length < block.Length
            )
            {
                _delta[0] = BlocksEndpoint.Delta;
                await answer.WriteAsync(_delta.AsMemory(0, 1 + length), cancellationToken);
            }
            else
            {
                _delta[0] = BlocksEndpoint.Whole;
                await answer.WriteAsync(_delta.AsMemory(0, 1), cancellationToken);
                await answer.WriteAsync(block, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_earlier);
        ArrayPool<byte>.Shared.Return(_delta);
    }

    private async ValueTask<bool> TryReadEarlierAsync(BlockDigest digest, int length, CancellationToken cancellationToken)
    {
        if (digest.IsHole || !store.Blocks.TryGetLength(digest, out var held) || held != length)
        {
            return false;
        }

        await store.Blocks.ReadUncheckedAsync(new[] { new BlockRef(digest, length) }, _earlier.AsMemory(0, length), cancellationToken);
        return true;
    }
}
