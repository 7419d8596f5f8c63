using System.Collections.Concurrent;
using System.IO.Hashing;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;
using Gallery.Region.Transfers;

namespace Gallery.Region.Uploads;

/// <summary>A block whose digest nobody has told.</summary>
/// <param name="Position">Where it stands in the file.</param>
/// <param name="Length">How long it is, in bytes.</param>
/// <param name="Checksum">XXH3 of its bytes, 64 bits: whether they came as they were sent. Null when nobody sent one.</param>
internal readonly record struct UndeclaredBlock(long Position, int Length, ulong? Checksum) : ISized;

/// <summary>
/// Takes blocks that were not declared: their sender holds them to be new, and leaves it to the node to find their digests. Blocks that the store
/// has after all are not written again.
/// </summary>
internal sealed class UndeclaredReceiver(IBlockWriter store, IBatchLender batches) : BatchReceiver<UndeclaredBlock>(batches)
{
    private readonly ConcurrentDictionary<long, BlockDigest> _digests = new();
    private readonly ConcurrentDictionary<BlockDigest, bool> _taken = new();
    private long _newBytes;

    /// <summary>Positions and what stands at them, of the blocks taken in.</summary>
    public IReadOnlyCollection<KeyValuePair<long, BlockDigest>> Digests => _digests;

    /// <summary>Bytes that the store did not have.</summary>
    public long NewBytes => Interlocked.Read(ref _newBytes);

    /// <inheritdoc/>
    protected override async Task ProcessAsync(BlockBatch batch, UndeclaredBlock[] blocks, CancellationToken cancellationToken)
    {
        var skipped = 0;
        foreach (var block in blocks)
        {
            var bytes = batch.Free.Span.Slice(skipped, block.Length);
            if (block.Checksum is { } sent && XxHash3.HashToUInt64(bytes) != sent)
            {
                throw new RegionException(
                    ErrorReason.DigestMismatch,
                    $"Block {block.Position} does not have the checksum {sent:x16} it was sent with."
                );
            }

            var digest = BlockDigest.Of(bytes);
            _digests[block.Position] = digest;
            if (digest == ZeroBlocks.DigestOf(block.Length) || store.Holds(digest) || !_taken.TryAdd(digest, true))
            {
                skipped += block.Length;
                continue;
            }

            if (skipped > 0)
            {
                bytes.CopyTo(batch.Free.Span);
            }

            batch.Add(digest, block.Length);
        }

        if (batch.Count > 0)
        {
            await store.WriteAsync(batch, cancellationToken);
            Interlocked.Add(ref _newBytes, batch.Length);
        }
    }
}
