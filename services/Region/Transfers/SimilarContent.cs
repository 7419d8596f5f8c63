using Gallery.Region.Blocks;
using Gallery.Region.Manifests;

namespace Gallery.Region.Transfers;

/// <summary>Finds out which of the contents that a store has is most like one that it is about to get: usually the version before.</summary>
internal static class SimilarContent
{
    private const int Looked = 16;
    private const int Step = 4;
    private const int LeastShare = 10;

    /// <summary>Compares some leaves, block by block.</summary>
    /// <param name="store">The store. It has all nodes of the new content.</param>
    /// <param name="root">The new content.</param>
    /// <param name="candidates">Complete contents of the store.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The root of the most similar one; null when none has a tenth of the blocks in their places.</returns>
    public static async ValueTask<RootNode?> FindAsync(
        INodeSource store,
        RootNode root,
        IReadOnlyList<BlockDigest> candidates,
        CancellationToken cancellationToken
    )
    {
        if (candidates.Count == 0)
        {
            return null;
        }

        var samples = await SamplesAsync(store, root, cancellationToken);
        RootNode? best = null;
        var most = samples.Sum(sample => sample.Leaf.Count) / LeastShare;
        foreach (var candidate in candidates)
        {
            try
            {
                var earlier = (await ManifestReader.ReadRootAsync(store, candidate, cancellationToken)).Root;
                var equal = await CountEqualAsync(new ManifestCursor(store, earlier), earlier, samples, cancellationToken);
                (best, most) = equal > most ? (earlier, equal) : (best, most);
            }
            catch (RegionException)
            {
                // Dropped meanwhile, or damaged: it is no help.
            }
        }

        return best;
    }

    private static async ValueTask<List<PlacedLeaf>> SamplesAsync(INodeSource store, RootNode root, CancellationToken cancellationToken)
    {
        var samples = new List<PlacedLeaf>();
        var seen = 0;
        await foreach (var placed in ManifestReader.LeavesAsync(store, root, cancellationToken))
        {
            if (seen++ % Step == 0)
            {
                samples.Add(placed);
            }

            if (seen == Looked)
            {
                break;
            }
        }

        return samples;
    }

    private static async ValueTask<int> CountEqualAsync(
        ManifestCursor earlier,
        RootNode root,
        List<PlacedLeaf> samples,
        CancellationToken cancellationToken
    )
    {
        var equal = 0;
        foreach (var (firstBlock, leaf) in samples)
        {
            if (
                firstBlock < root.BlockCount
                && await earlier.LeafAsync(firstBlock / ManifestShape.LeafBlocks, cancellationToken) is { } other
            )
            {
                for (var slot = leaf.NextSlot(0); slot >= 0; slot = leaf.NextSlot(slot + 1))
                {
                    equal += other[slot] == leaf[slot] ? 1 : 0;
                }
            }
        }

        return equal;
    }
}
