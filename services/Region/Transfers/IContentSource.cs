using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Transfers;

/// <summary>A place that has a content: another store of this node, or another node.</summary>
internal interface IContentSource
{
    /// <summary>The region it is in.</summary>
    string Region { get; }

    /// <summary>How many blocks are best asked for at once.</summary>
    int BlocksPerRequest { get; }

    /// <summary>How many requests are best under way at once.</summary>
    int Concurrency { get; }

    /// <summary>What is taken from it is put into batches from here: a slow source must not keep those that others need.</summary>
    IBatchLender Batches { get; }

    /// <summary>Reads nodes of the content's manifest into a receiver that checks them.</summary>
    ValueTask ReadNodesAsync(
        BlockDigest content,
        IReadOnlyList<BlockDigest> nodes,
        Func<BlockDigest, ReadOnlyMemory<byte>, ValueTask> receive,
        CancellationToken cancellationToken
    );

    /// <summary>Copies blocks of the content into a store, each checked against its digest. They are not yet durable.</summary>
    /// <param name="content">The content that they belong to.</param>
    /// <param name="run">The blocks.</param>
    /// <param name="target">Where to.</param>
    /// <param name="written">Told of the bytes as they are written.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    ValueTask CopyBlocksAsync(
        BlockDigest content,
        BlockRun run,
        IBlockStore target,
        Action<long> written,
        CancellationToken cancellationToken
    );
}
