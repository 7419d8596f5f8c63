using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Transfers;

/// <summary>Takes blocks from somebody else, checks each against the digest it was announced with, and writes them.</summary>
/// <param name="store">Where to.</param>
/// <param name="batches">Where the batches come from.</param>
/// <param name="written">Told of the bytes as they are written.</param>
internal sealed class BlockReceiver(IBlockWriter store, IBatchLender batches, Action<long>? written = null)
    : BatchReceiver<BlockRef>(batches)
{
    /// <summary>Takes a block. It is checked later; a failure surfaces in a later call.</summary>
    /// <exception cref="RegionException">A block received before does not have its digest, or can't be written.</exception>
    public async ValueTask AddAsync(BlockRef block, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (bytes.Length != block.Length || block.Length is <= 0 or > BlockLayout.BlockSize)
        {
            throw new RegionException(
                ErrorReason.DigestMismatch,
                $"The block {block.Digest} was announced with {block.Length} bytes and came with {bytes.Length}."
            );
        }

        await MakeRoomAsync(block.Length, cancellationToken);
        bytes.CopyTo(Take(block));
    }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(BlockBatch batch, BlockRef[] blocks, CancellationToken cancellationToken)
    {
        foreach (var block in blocks)
        {
            var digest = BlockDigest.Of(batch.Free.Span[..block.Length]);
            if (digest != block.Digest)
            {
                throw new RegionException(
                    ErrorReason.DigestMismatch,
                    $"A block that was announced as {block.Digest} has the digest {digest}."
                );
            }

            batch.Add(digest, block.Length);
        }

        await store.WriteAsync(batch, cancellationToken);
        written?.Invoke(batch.Length);
    }
}
