using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;
using Gallery.Region.Transfers;

namespace Gallery.Region.Uploads;

/// <summary>Takes in blocks of one upload, each checked against its declared digest.</summary>
internal sealed class UploadWriter(long fileSize, BlockMap map, RegionStore store, BlockBatchPool pool) : IAsyncDisposable
{
    private readonly BlockReceiver _receiver = new(store.Blocks, pool);

    /// <summary>Blocks taken in.</summary>
    public long Blocks { get; private set; }

    /// <summary>Bytes taken in.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes of those that the store did not have.</summary>
    public long NewBytes { get; private set; }

    /// <summary>Takes a block.</summary>
    /// <exception cref="RegionException">It was not declared, has the wrong length or not its digest.</exception>
    public async ValueTask AddAsync(long index, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var block = RequireDeclared(index);
        if (bytes.Length != block.Length)
        {
            throw new RegionException(
                ErrorReason.DigestMismatch,
                $"Block {index} has {block.Length} bytes in the file, and {bytes.Length} were sent."
            );
        }

        if (Count(block))
        {
            await _receiver.AddAsync(block, bytes, cancellationToken);
        }
        else if (BlockDigest.Of(bytes.Span) != block.Digest)
        {
            throw new RegionException(
                ErrorReason.DigestMismatch,
                $"Block {index} does not have the digest {block.Digest} it was declared with."
            );
        }
    }

    /// <summary>Announces blocks that come next.</summary>
    /// <returns>The blocks, for <see cref="Receiver"/>.</returns>
    /// <exception cref="RegionException">One was not declared.</exception>
    public BlockRef[] Expect(long[] positions)
    {
        var blocks = Array.ConvertAll(positions, RequireDeclared);
        foreach (var block in blocks)
        {
            Count(block);
        }

        return blocks;
    }

    /// <summary>Where the bytes of announced blocks go.</summary>
    public BlockReceiver Receiver => _receiver;

    /// <summary>Sends on what came so far: the caller has nothing to add for a while.</summary>
    public ValueTask PauseAsync(CancellationToken cancellationToken) => _receiver.DispatchAsync(cancellationToken);

    /// <summary>Waits until everything is checked, written and durable.</summary>
    public async ValueTask CompleteAsync(CancellationToken cancellationToken)
    {
        await _receiver.CompleteAsync(cancellationToken);
        await store.Blocks.FlushAsync(cancellationToken);
    }

    private BlockRef RequireDeclared(long index)
    {
        if (index < 0 || index >= map.BlockCount)
        {
            throw UploadManager.OutsideOfFile(index, map.BlockCount);
        }

        var block = new BlockRef(DeclaredAt(index), BlockLayout.LengthOf(index, fileSize));
        return block.Digest.IsHole
            ? throw new RegionException(ErrorReason.InvalidParameter, $"Block {index} was not declared, or was declared as zeros.")
            : block;
    }

    /// <summary>Counts a block; true when the store does not have it.</summary>
    private bool Count(in BlockRef block)
    {
        var isNew = !store.Blocks.Holds(block.Digest);
        Blocks++;
        Bytes += block.Length;
        NewBytes += isNew ? block.Length : 0;
        return isNew;
    }

    private BlockDigest DeclaredAt(long index)
    {
        try
        {
            return map[index];
        }
        catch (ObjectDisposedException)
        {
            throw new RegionException(ErrorReason.SourceNotUsable, "The upload was committed or dropped while blocks were being sent.");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _receiver.DisposeAsync();
}
