using System.Runtime.ExceptionServices;
using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;
using Gallery.Region.Stores.Zones;

namespace Gallery.Region.Stores;

/// <summary>
/// The same blocks in the stores of several zones. A write counts when every zone has it; a read takes one zone and, block by block, another
/// where that one is damaged, incomplete or gone.
/// </summary>
/// <param name="zones">The stores, one a zone.</param>
/// <param name="preferred">Index of the zone that is read first.</param>
/// <param name="bad">Told of each block that a zone could not give.</param>
internal sealed class MirroredStore(IReadOnlyList<IBlockStore> zones, int preferred = 0, Action<BlockRef, RegionException>? bad = null)
    : IBlockStore
{
    /// <inheritdoc/>
    public long BlockCount => zones.Max(zone => zone.BlockCount);

    /// <inheritdoc/>
    public long UsedBytes => zones.Sum(zone => zone.UsedBytes);

    /// <inheritdoc/>
    public bool TryGetLength(in BlockDigest digest, out int length)
    {
        for (var i = 0; i < zones.Count; i++)
        {
            if (Zone(i).TryGetLength(digest, out length))
            {
                return true;
            }
        }

        length = 0;
        return false;
    }

    /// <inheritdoc/>
    public bool Holds(in BlockDigest digest)
    {
        foreach (var zone in zones)
        {
            if (!zone.Holds(digest))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public ValueTask ReadAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(FirstWith(blocks).ReadAsync, blocks, destination, cancellationToken);

    /// <inheritdoc/>
    public ValueTask ReadUncheckedAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(FirstWith(blocks).ReadUncheckedAsync, blocks, destination, cancellationToken);

    /// <inheritdoc/>
    public async ValueTask WriteAsync(BlockBatch batch, CancellationToken cancellationToken) =>
        await ForEachAsync(zone => zone.WriteAsync(batch, cancellationToken));

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellationToken) =>
        await ForEachAsync(zone => zone.FlushAsync(cancellationToken));

    /// <inheritdoc/>
    public async ValueTask<IBlockCollection> BeginCollectionAsync(CancellationToken cancellationToken)
    {
        var parts = new List<IBlockCollection>();
        try
        {
            foreach (var zone in zones)
            {
                parts.Add(await zone.BeginCollectionAsync(cancellationToken));
            }
        }
        catch
        {
            parts.ForEach(part => part.Dispose());
            throw;
        }

        return new Collection(parts);
    }

    /// <inheritdoc/>
    public async ValueTask<long> CompactAsync(BlockBatchPool pool, Pace pace, CancellationToken cancellationToken)
    {
        long freed = 0;
        foreach (var zone in zones)
        {
            freed += await zone.CompactAsync(pool, pace, cancellationToken);
        }

        return freed;
    }

    /// <inheritdoc/>
    public async ValueTask ReplaceAsync(BlockBatch batch, CancellationToken cancellationToken) =>
        await ForEachAsync(zone => zone.ReplaceAsync(batch, cancellationToken));

    /// <inheritdoc/>
    public void Forget(in BlockDigest digest)
    {
        foreach (var zone in zones)
        {
            zone.Forget(digest);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<BlockRef> ListBlocks() => [.. zones.SelectMany(zone => zone.ListBlocks()).Distinct()];

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var zone in zones)
        {
            await zone.DisposeAsync();
        }
    }

    private IBlockStore Zone(int turn) => zones[(preferred + turn) % zones.Count];

    /// <summary>The zone to try first: one that is away has nothing.</summary>
    private IBlockStore FirstWith(ReadOnlyMemory<BlockRef> blocks)
    {
        for (var i = 0; i < zones.Count && blocks.Length > 0; i++)
        {
            if (Zone(i).Holds(blocks.Span[0].Digest))
            {
                return Zone(i);
            }
        }

        return Zone(0);
    }

    private async ValueTask ReadAsync(
        Func<ReadOnlyMemory<BlockRef>, Memory<byte>, CancellationToken, ValueTask> readFirst,
        ReadOnlyMemory<BlockRef> blocks,
        Memory<byte> destination,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await readFirst(blocks, destination, cancellationToken);
            return;
        }
        catch (RegionException exception) when (IsOfThisZone(exception))
        {
            // Taken block by block below: what this zone has is still used.
        }

        for (var i = 0; i < blocks.Length; i++)
        {
            var length = blocks.Span[i].Length;
            await ReadOneAsync(blocks.Slice(i, 1), destination[..length], cancellationToken);
            destination = destination[length..];
        }
    }

    /// <summary>Damaged, gone, or out of reach: another zone may still give it.</summary>
    private static bool IsOfThisZone(RegionException exception) =>
        exception.Reason is ErrorReason.ContentCorrupt or ErrorReason.ContentNotFound or ErrorReason.RegionUnavailable;

    private async ValueTask ReadOneAsync(ReadOnlyMemory<BlockRef> block, Memory<byte> destination, CancellationToken cancellationToken)
    {
        Exception? worst = null;
        for (var i = 0; i < zones.Count; i++)
        {
            if (Zone(i) is ZoneStore { Failure: { Length: > 0 } why })
            {
                // A zone that is away is no damage.
                worst ??= new BlockMissingException(why);
                continue;
            }

            try
            {
                await Zone(i).ReadAsync(block, destination, cancellationToken);
                return;
            }
            catch (RegionException exception) when (IsOfThisZone(exception))
            {
                worst = worst is BlockCorruptException ? worst : exception;
                if (exception.Reason != ErrorReason.RegionUnavailable)
                {
                    bad?.Invoke(block.Span[0], exception);
                }
            }
        }

        ExceptionDispatchInfo.Throw(worst!);
    }

    /// <summary>All zones at the same time. Waits for all of them even when one fails, since the batch is not to be touched before.</summary>
    private async ValueTask ForEachAsync(Func<IBlockStore, ValueTask> act)
    {
        var tasks = new Task[zones.Count];
        for (var i = 0; i < tasks.Length; i++)
        {
            var zone = zones[i];
            tasks[i] = Task.Run(async () => await act(zone));
        }

        await Task.WhenAll(tasks);
    }

    /// <summary>One pass of marks for all zones.</summary>
    private sealed class Collection(List<IBlockCollection> parts) : IBlockCollection
    {
        public bool Mark(in BlockDigest digest)
        {
            var first = false;
            foreach (var part in parts)
            {
                first |= part.Mark(digest);
            }

            return first;
        }

        public async ValueTask<long> FreeAsync()
        {
            long freed = 0;
            foreach (var part in parts)
            {
                freed += await part.FreeAsync();
            }

            return freed;
        }

        public void Dispose() => parts.ForEach(part => part.Dispose());
    }
}
