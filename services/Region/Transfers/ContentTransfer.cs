using System.Runtime.CompilerServices;
using Gallery.Region.Blocks;
using Gallery.Region.Manifests;
using Gallery.Region.Stores;

namespace Gallery.Region.Transfers;

/// <summary>
/// Brings one content into a store: first the nodes of its manifest that the store lacks, level by level, then the blocks that it lacks.
/// What is there already is neither asked for nor moved, so an interrupted transfer resumes by being started again.
/// </summary>
/// <param name="target">Where to.</param>
/// <param name="progress">Told of what is done.</param>
/// <param name="earlier">Complete contents of the target that may resemble the new one, so that what differs is all that need come.</param>
internal sealed class ContentTransfer(RegionStore target, TransferProgress progress, IReadOnlyList<BlockDigest>? earlier = null)
{
    private const int NodesPerRequest = 256;

    private readonly HashSet<BlockDigest> _underWay = [];
    private readonly Lock _gate = new();

    /// <summary>Told how many bytes of blocks are lacking before the first is fetched; throws to refuse.</summary>
    public Action<long>? Admit { get; init; }

    /// <summary>Fetches what is lacking. On return everything is written, though not yet durable.</summary>
    /// <param name="source">Who has it.</param>
    /// <param name="content">Which content.</param>
    /// <param name="crossesBorder">True when the source is in another region, so that its bytes count as transferred.</param>
    /// <param name="cancellationToken">Ends the work; what arrived stays.</param>
    public async Task<Manifest> RunAsync(
        IContentSource source,
        BlockDigest content,
        bool crossesBorder,
        CancellationToken cancellationToken
    )
    {
        var root = await FetchManifestAsync(source, content, cancellationToken);
        Admit?.Invoke(await MissingBytesAsync(target, root, cancellationToken));
        var similar = await SimilarContent.FindAsync(target, root, earlier ?? [], cancellationToken);
        var options = new ParallelOptions { MaxDegreeOfParallelism = source.Concurrency, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            LackingAsync(root, similar, source.BlocksPerRequest, cancellationToken),
            options,
            async (run, token) =>
            {
                await source.CopyBlocksAsync(
                    content,
                    run,
                    target.Blocks,
                    bytes =>
                    {
                        progress.AddWritten(bytes);
                        progress.AddTransferred(crossesBorder ? bytes : 0);
                    },
                    token
                );
                progress.AddWritten(run.RepeatedBytes);
                Forget(run.Blocks.Span);
            }
        );
        return new Manifest(content, root);
    }

    /// <summary>Walks the whole manifest and tells how many bytes of its blocks are not in the store: 0 when the content is complete.</summary>
    public static async ValueTask<long> MissingBytesAsync(RegionStore store, RootNode root, CancellationToken cancellationToken)
    {
        long missing = 0;
        await foreach (var placed in ManifestReader.LeavesAsync(store, root, cancellationToken))
        {
            var rank = 0;
            for (var slot = placed.Leaf.NextSlot(0); slot >= 0; slot = placed.Leaf.NextSlot(slot + 1))
            {
                var digest = placed.Leaf.At(rank++);
                var length = BlockLayout.LengthOf(placed.FirstBlock + slot, root.VirtualSize);
                missing += store.Blocks.Holds(digest) ? 0 : length;
                if (store.Blocks.TryGetLength(digest, out var held) && held != length)
                {
                    throw new MalformedManifestException($"Block {placed.FirstBlock + slot} has {held} bytes; {length} are due there.");
                }
            }
        }

        return missing;
    }

    private async ValueTask<RootNode> FetchManifestAsync(IContentSource source, BlockDigest content, CancellationToken cancellationToken)
    {
        await using var writer = new NodeWriter(target.Blocks, source.Batches);
        var root = RootNode.Parse((await FetchAsync(source, content, [content], keep: true, writer, cancellationToken))[0].Span);
        List<BlockDigest> level = root.Top.IsHole ? [] : [root.Top];
        for (var height = root.Height - 1; height >= 0 && level.Count > 0; height--)
        {
            var below = new List<BlockDigest>();
            foreach (var some in level.Distinct().Chunk(NodesPerRequest))
            {
                foreach (var node in await FetchAsync(source, content, some, keep: height > 0, writer, cancellationToken))
                {
                    below.AddRange(InnerNode.Parse(node, height).Children().Select(child => child.Digest));
                }
            }

            level = below;
        }

        await writer.WriteAsync(cancellationToken);
        return root;
    }

    /// <summary>Makes sure that nodes are in the store; gives them back when they are inner ones whose children are to be looked at.</summary>
    private async ValueTask<List<ReadOnlyMemory<byte>>> FetchAsync(
        IContentSource source,
        BlockDigest content,
        BlockDigest[] nodes,
        bool keep,
        NodeWriter writer,
        CancellationToken cancellationToken
    )
    {
        var kept = new List<ReadOnlyMemory<byte>>();
        var lacking = new HashSet<BlockDigest>();
        foreach (var digest in nodes)
        {
            if (!target.Blocks.Holds(digest))
            {
                lacking.Add(digest);
            }
            else if (keep)
            {
                kept.Add(await target.ReadNodeAsync(digest, cancellationToken));
            }
        }

        if (lacking.Count == 0)
        {
            return kept;
        }

        await source.ReadNodesAsync(
            content,
            [.. lacking],
            async (digest, node) =>
            {
                Check(lacking, digest, node.Span);
                await writer.PutAsync(digest, node, cancellationToken);
                if (keep)
                {
                    kept.Add(node.ToArray());
                }
            },
            cancellationToken
        );
        return lacking.Count == 0
            ? kept
            : throw new BlockMissingException($"The source lacks {lacking.Count} nodes of the manifest of {content}.");
    }

    private static void Check(HashSet<BlockDigest> lacking, BlockDigest digest, ReadOnlySpan<byte> node)
    {
        if (node.Length > ManifestShape.MaxNodeSize || !lacking.Remove(digest) || BlockDigest.Of(node) != digest)
        {
            throw new MalformedManifestException($"The source sent {node.Length} bytes that are not the node {digest} that was asked for.");
        }
    }

    private async IAsyncEnumerable<BlockRun> LackingAsync(
        RootNode root,
        RootNode? similar,
        int size,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var cursor = similar is null ? null : new ManifestCursor(target, similar);
        var blocks = new List<BlockRef>(size);
        var earlierBlocks = new List<BlockDigest>();
        long repeated = 0;
        long held = 0;
        long lacked = 0;
        await foreach (var placed in ManifestReader.LeavesAsync(target, root, cancellationToken))
        {
            var before = await LeafOfAsync(cursor, similar, placed.FirstBlock, cancellationToken);
            var rank = 0;
            long present = 0;
            for (var slot = placed.Leaf.NextSlot(0); slot >= 0; slot = placed.Leaf.NextSlot(slot + 1))
            {
                var block = new BlockRef(placed.Leaf.At(rank++), BlockLayout.LengthOf(placed.FirstBlock + slot, root.VirtualSize));
                if (target.Blocks.Holds(block.Digest))
                {
                    present += block.Length;
                }
                else if (TakeOn(block.Digest))
                {
                    blocks.Add(block);
                    if (cursor is not null)
                    {
                        earlierBlocks.Add(before?[slot] ?? default);
                    }

                    if (blocks.Count == size)
                    {
                        lacked += size;
                        yield return new BlockRun(
                            blocks.ToArray(),
                            earlierBlocks.ToArray(),
                            held + (present / BlockLayout.BlockSize) > lacked,
                            repeated
                        );
                        blocks.Clear();
                        earlierBlocks.Clear();
                        repeated = 0;
                    }
                }
                else
                {
                    repeated += block.Length;
                }
            }

            progress.AddCopied(present);
            held += present / BlockLayout.BlockSize;
        }

        if (blocks.Count > 0)
        {
            yield return new BlockRun(blocks.ToArray(), earlierBlocks.ToArray(), held > lacked + blocks.Count, repeated);
        }
    }

    private static async ValueTask<LeafNode?> LeafOfAsync(
        ManifestCursor? cursor,
        RootNode? root,
        long firstBlock,
        CancellationToken cancellationToken
    ) =>
        cursor is null || firstBlock >= root!.BlockCount
            ? null
            : await cursor.LeafAsync(firstBlock / ManifestShape.LeafBlocks, cancellationToken);

    private bool TakeOn(BlockDigest digest)
    {
        lock (_gate)
        {
            return _underWay.Add(digest);
        }
    }

    private void Forget(ReadOnlySpan<BlockRef> blocks)
    {
        lock (_gate)
        {
            foreach (ref readonly var block in blocks)
            {
                _underWay.Remove(block.Digest);
            }
        }
    }
}
