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
 *   checked    IBlockMaintainer.ScrubAsync reads everything again, in the order of the medium. A block found bad is written anew from another
 *              zone, another store of the node, or another region.
 *   moved      IBlockCompactor gives back the room between blocks that are alive by writing them elsewhere. Readers notice nothing.
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

/// <summary>Waits until so many bytes may be read or written in the background.</summary>
internal delegate ValueTask Pace(int bytes, CancellationToken cancellationToken);

/// <summary>Gives back the room that collections freed between blocks that are alive.</summary>
internal interface IBlockCompactor
{
    /// <summary>Rewrites what the last collection found worth it. Safe beside readers, writers and collections; one call at a time.</summary>
    /// <param name="pool">Buffers.</param>
    /// <param name="pace">Waits before bytes are read and written again.</param>
    /// <param name="cancellationToken">Ends the work; nothing is lost by it.</param>
    /// <returns>Bytes that the store became smaller by.</returns>
    ValueTask<long> CompactAsync(BlockBatchPool pool, Pace pace, CancellationToken cancellationToken);
}

/// <summary>How far a scrub is: everything before it was read.</summary>
/// <param name="Segment">Number of the segment.</param>
/// <param name="Offset">The first byte in it that was not read.</param>
internal readonly record struct ScrubPosition(uint Segment, uint Offset);

/// <summary>A piece of a scrub.</summary>
/// <param name="Next">Where it goes on.</param>
/// <param name="Bytes">Bytes that were read and checked.</param>
/// <param name="Bad">Blocks that are damaged.</param>
internal sealed record ScrubStep(ScrubPosition Next, long Bytes, IReadOnlyList<BlockRef> Bad);

/// <summary>Lets damage at rest be found and mended. A store whose medium does that by itself needs none of it.</summary>
internal interface IBlockMaintainer
{
    /// <summary>Writes the blocks of a batch whether they are there or not; from then on the new copies are read.</summary>
    /// <exception cref="StorageExhaustedException">There is no room; the old copies stand.</exception>
    ValueTask ReplaceAsync(BlockBatch batch, CancellationToken cancellationToken);

    /// <summary>Has a damaged block count as not there, so that it is brought in again.</summary>
    void Forget(in BlockDigest digest);

    /// <summary>Everything that is there, in no order. Answered from memory.</summary>
    IReadOnlyList<BlockRef> ListBlocks();

    /// <summary>Reads everything at and behind a position from the medium itself and checks it, up to what is there when it ends.</summary>
    IAsyncEnumerable<ScrubStep> ScrubAsync(ScrubPosition from, Pace pace, CancellationToken cancellationToken);
}

/// <summary>A store of blocks: all roles together.</summary>
internal interface IBlockStore : IBlockReader, IBlockWriter, IBlockCollector, IBlockCompactor, IBlockMaintainer, IAsyncDisposable
{
    /// <summary>Number of blocks and nodes held.</summary>
    long BlockCount { get; }

    /// <summary>Bytes that they take up, in all zones together.</summary>
    long UsedBytes { get; }

    /// <inheritdoc/>
    ValueTask<long> IBlockCompactor.CompactAsync(BlockBatchPool pool, Pace pace, CancellationToken cancellationToken) =>
        ValueTask.FromResult(0L);

    /// <inheritdoc/>
    ValueTask IBlockMaintainer.ReplaceAsync(BlockBatch batch, CancellationToken cancellationToken) => WriteAsync(batch, cancellationToken);

    /// <inheritdoc/>
    void IBlockMaintainer.Forget(in BlockDigest digest) { }

    /// <inheritdoc/>
    IReadOnlyList<BlockRef> IBlockMaintainer.ListBlocks() => [];

    /// <inheritdoc/>
    IAsyncEnumerable<ScrubStep> IBlockMaintainer.ScrubAsync(ScrubPosition from, Pace pace, CancellationToken cancellationToken) =>
        AsyncEnumerable.Empty<ScrubStep>();
}
