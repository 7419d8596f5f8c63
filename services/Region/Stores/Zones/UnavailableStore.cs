using Gallery.Contracts.Common.V1;
using Gallery.Region.Blocks;

namespace Gallery.Region.Stores.Zones;

/// <summary>Stands for the store of a zone that can't be opened: it holds nothing, and says why it takes nothing.</summary>
internal sealed class UnavailableStore(string why) : IBlockStore
{
    /// <summary>Why it can't be used.</summary>
    public string Why => why;

    /// <inheritdoc/>
    public long BlockCount => 0;

    /// <inheritdoc/>
    public long UsedBytes => 0;

    /// <inheritdoc/>
    public bool TryGetLength(in BlockDigest digest, out int length)
    {
        length = 0;
        return false;
    }

    /// <inheritdoc/>
    public bool Holds(in BlockDigest digest) => false;

    /// <inheritdoc/>
    public ValueTask ReadAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        throw new BlockMissingException(why);

    /// <inheritdoc/>
    public ValueTask WriteAsync(BlockBatch batch, CancellationToken cancellationToken) => throw Refusal();

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken) => throw Refusal();

    /// <inheritdoc/>
    public ValueTask<IBlockCollection> BeginCollectionAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult<IBlockCollection>(new NothingToCollect());

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private RegionException Refusal() => new(ErrorReason.RegionUnavailable, why);

    private sealed class NothingToCollect : IBlockCollection
    {
        public bool Mark(in BlockDigest digest) => false;

        public ValueTask<long> FreeAsync() => ValueTask.FromResult(0L);

        public void Dispose() { }
    }
}
