using Gallery.Region.Blocks;
using Gallery.Region.Stores.Objects;

namespace Gallery.Region.Stores.Zones;

/// <summary>
/// What one zone keeps of one store. While the zone can't be used it holds nothing and takes nothing; when the zone is back it holds what is
/// in it.
/// </summary>
internal sealed class ZoneStore : IBlockStore
{
    private readonly StoreName _name;
    private IBlockStore _inner;

    /// <summary>Opens the store, if its zone can be used.</summary>
    /// <param name="zone">The zone.</param>
    /// <param name="name">The store.</param>
    public ZoneStore(IZone zone, StoreName name)
    {
        Zone = zone;
        _name = name;
        _inner = Open();
    }

    /// <summary>The zone.</summary>
    public IZone Zone { get; }

    /// <summary>Why it can't be used; empty when it can.</summary>
    public string Failure => Inner is UnavailableStore unavailable ? unavailable.Why : "";

    /// <inheritdoc/>
    public long BlockCount => Inner.BlockCount;

    /// <inheritdoc/>
    public long UsedBytes => Inner.UsedBytes;

    private IBlockStore Inner => Volatile.Read(ref _inner);

    /// <summary>Brings it in line with how its zone is now.</summary>
    /// <returns>True when it could not be used before, and can now.</returns>
    public async ValueTask<bool> FollowZoneAsync()
    {
        var usable = Zone.Failure.Length == 0;
        if (usable == (Failure.Length == 0))
        {
            return false;
        }

        var old = Interlocked.Exchange(ref _inner, Open());
        await old.DisposeAsync();
        return Failure.Length == 0;
    }

    /// <inheritdoc/>
    public bool TryGetLength(in BlockDigest digest, out int length) => Inner.TryGetLength(digest, out length);

    /// <inheritdoc/>
    public bool Holds(in BlockDigest digest) => Inner.Holds(digest);

    /// <inheritdoc/>
    public ValueTask ReadAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        Inner.ReadAsync(blocks, destination, cancellationToken);

    /// <inheritdoc/>
    public ValueTask ReadUncheckedAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        Inner.ReadUncheckedAsync(blocks, destination, cancellationToken);

    /// <inheritdoc/>
    public ValueTask WriteAsync(BlockBatch batch, CancellationToken cancellationToken) => Inner.WriteAsync(batch, cancellationToken);

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellationToken) => Inner.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IBlockCollection> BeginCollectionAsync(CancellationToken cancellationToken) =>
        Inner.BeginCollectionAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> CompactAsync(BlockBatchPool pool, Pace pace, CancellationToken cancellationToken) =>
        Inner.CompactAsync(pool, pace, cancellationToken);

    /// <inheritdoc/>
    public ValueTask ReplaceAsync(BlockBatch batch, CancellationToken cancellationToken) => Inner.ReplaceAsync(batch, cancellationToken);

    /// <inheritdoc/>
    public void Forget(in BlockDigest digest) => Inner.Forget(digest);

    /// <inheritdoc/>
    public IReadOnlyList<BlockRef> ListBlocks() => Inner.ListBlocks();

    /// <inheritdoc/>
    public IAsyncEnumerable<ScrubStep> ScrubAsync(ScrubPosition from, Pace pace, CancellationToken cancellationToken) =>
        Inner.ScrubAsync(from, pace, cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Inner.DisposeAsync();

    private IBlockStore Open()
    {
        if (Zone.Failure.Length > 0)
        {
            return new UnavailableStore(Zone.Failure);
        }

        try
        {
            return Zone.OpenBlocks(_name);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ObjectStorageException)
        {
            return new UnavailableStore($"The zone {Zone.Number} of the region can't be used: {exception.Message}");
        }
    }
}
