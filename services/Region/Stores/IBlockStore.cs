using Gallery.Region.Blocks;

namespace Gallery.Region.Stores;

/*
 * The life of a block
 *
 *   written    A receiver gathers verified blocks in a batch and hands it to IBlockWriter.WriteAsync. The blocks can be read at once.
 *   durable    IBlockWriter.FlushAsync returns when everything written before is on stable storage. Only then may a record that needs the
 *              blocks (a replica, a committed upload) be written: a record never promises what a crash could take away.
 *   shared     A block lies in a store once, however many contents refer to it. Manifest nodes are blocks like any other.
 *   read       IBlockReader.ReadAsync checks every block against its digest. A mirrored store takes a rotten one from another zone.
 *   forgotten  When no record leads to a block any more, IBlockCollector frees it some time later. Nobody counts references: what is alive
 *              follows from the records alone, so it can be found out anew at any time.
 *
 * Every role is small so that a store on object storage can play it as well; one suite of tests is run against every implementation.
 */

/// <summary>Gives out blocks.</summary>
internal interface IBlockReader
{
    /// <summary>True when the block can be had; then its length is told. Answered from memory.</summary>
    bool TryGetLength(in BlockDigest digest, out int length);

    /// <summary>Reads blocks back to back into the destination and checks each against its digest.</summary>
    /// <exception cref="BlockMissingException">One is not there, or has another length.</exception>
    /// <exception cref="BlockCorruptException">One is damaged at rest, in every copy that the store has.</exception>
    ValueTask ReadAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken);

    /// <summary>Reads blocks back to back without looking at their digests: for bytes that go to somebody who checks them himself.</summary>
    /// <exception cref="BlockMissingException">One is not there, or has another length.</exception>
    /// <exception cref="BlockCorruptException">One can't be read.</exception>
    ValueTask ReadUncheckedAsync(ReadOnlyMemory<BlockRef> blocks, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(blocks, destination, cancellationToken);
}

/// <summary>Takes in blocks.</summary>
internal interface IBlockWriter
{
    /// <summary>True when the block is written wherever the store keeps copies, so that writing it again would add nothing. Answered from memory.</summary>
    bool Holds(in BlockDigest digest);

    /// <summary>Keeps the blocks of a batch; those that are there already may be skipped. The batch stays the caller's.</summary>
    /// <exception cref="StorageExhaustedException">There is no room; none of the batch is visible.</exception>
    ValueTask WriteAsync(BlockBatch batch, CancellationToken cancellationToken);

    /// <summary>Makes everything durable that was written before the call.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken);
}

/// <summary>What a collection found alive so far.</summary>
internal interface ILiveBlocks
{
    /// <summary>Marks a block as alive. False when it was marked before, so that what it leads to need not be looked at again.</summary>
    bool Mark(in BlockDigest digest);
}

/// <summary>A collection under way: mark all that is alive, then free the rest. Ended without freeing, it changes nothing.</summary>
internal interface IBlockCollection : ILiveBlocks, IDisposable
{
    /// <summary>Frees what it can of what is not marked. Blocks written since the collection began are kept.</summary>
    /// <returns>Bytes freed.</returns>
    ValueTask<long> FreeAsync();
}

/// <summary>Frees what nothing refers to.</summary>
internal interface IBlockCollector
{
    /// <summary>Begins a collection; one at a time.</summary>
    ValueTask<IBlockCollection> BeginCollectionAsync(CancellationToken cancellationToken);
}

/// <summary>A store of blocks: all roles together.</summary>
internal interface IBlockStore : IBlockReader, IBlockWriter, IBlockCollector, IAsyncDisposable
{
    /// <summary>Number of blocks and nodes held.</summary>
    long BlockCount { get; }

    /// <summary>Bytes that they take up, in all zones together.</summary>
    long UsedBytes { get; }
}
