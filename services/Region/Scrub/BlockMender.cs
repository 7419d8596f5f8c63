using Gallery.Region.Blocks;
using Gallery.Region.Manifests;
using Gallery.Region.Node;
using Gallery.Region.Replicas;
using Gallery.Region.Stores;
using Gallery.Region.Stores.Zones;

namespace Gallery.Region.Scrub;

/// <summary>What came of an attempt to mend a block.</summary>
internal enum MendOutcome
{
    /// <summary>Every zone that can be used has it sound.</summary>
    Sound,

    /// <summary>It was damaged or missing in a zone, and has been written anew.</summary>
    Mended,

    /// <summary>It is damaged or missing, and the new copy could not be written. Nothing changed.</summary>
    Deferred,

    /// <summary>Nobody on this node has it sound.</summary>
    Lost,
}

/// <summary>
/// Mends a block of a store: from another zone of the store, else from another store of the node that has the same block. The sound copy takes
/// the place of the damaged one in one step, so readers never find it missing.
/// </summary>
internal sealed partial class BlockMender(StoreSet stores, RegionTelemetry telemetry, ILogger<BlockMender> logger) : IDisposable
{
    // A buffer of its own: who mends must never wait for those who wait for what is mended.
    private readonly BlockBatchPool _pool = new(limit: 1, kept: 0);

    /// <summary>Checks a block in every zone and mends it where it is not sound.</summary>
    public async ValueTask<MendOutcome> MendAsync(RegionStore store, BlockDigest digest, CancellationToken cancellationToken)
    {
        if (FindLength(store, digest) is not { } length || length > BlockBatch.Capacity)
        {
            return store.Failure.Length > 0 ? MendOutcome.Deferred : MendOutcome.Lost;
        }

        using var batch = await _pool.RentAsync(cancellationToken);
        var block = new BlockRef(digest, length);
        var bad = new List<ZoneStore>();
        ZoneStore? sound = null;
        foreach (var part in store.Zones.Where(part => part.Failure.Length == 0))
        {
            if (await StoreSet.TryReadAsync(part, block, batch.Free, cancellationToken))
            {
                sound = part;
            }
            else
            {
                bad.Add(part);
            }
        }

        if (bad.Count == 0)
        {
            return sound is null ? MendOutcome.Deferred : MendOutcome.Sound;
        }

        var found = sound is null
            ? await stores.TryReadElsewhereAsync(store.Name, block, batch.Free, cancellationToken)
            : await StoreSet.TryReadAsync(sound, block, batch.Free, cancellationToken);
        if (!found)
        {
            return MendOutcome.Lost;
        }

        batch.Add(digest, length);
        return await WriteAsync(store, batch, bad, cancellationToken);
    }

    /// <summary>Goes through everything that a content needs and mends what it can.</summary>
    /// <param name="store">The store that the content is in.</param>
    /// <param name="content">The content.</param>
    /// <param name="thorough">True to read every block; else only those are looked after that the index does not have.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>How many nodes and blocks are lost or could not be mended; what a lost node leads to is not counted.</returns>
    public async ValueTask<int> MendContentAsync(RegionStore store, BlockDigest content, bool thorough, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (bad, again) = (0, false);
            await foreach (var needed in ManifestWalk.NeededAsync(store, content, cancellationToken))
            {
                if (!thorough && needed.IsReadable && store.Blocks.TryGetLength(needed.Digest, out _))
                {
                    continue;
                }

                var outcome = await MendAsync(store, needed.Digest, cancellationToken);
                bad += outcome is MendOutcome.Lost or MendOutcome.Deferred ? 1 : 0;
                if (thorough && outcome == MendOutcome.Lost)
                {
                    store.Blocks.Forget(needed.Digest);
                }

                // What lies below a node that was mended comes to light only now.
                again |= !needed.IsReadable && outcome == MendOutcome.Mended;
            }

            if (!again)
            {
                return bad;
            }
        }
    }

    /// <summary>Reads everything that a replica needs and mends what it can; what is lost counts as not there from then on.</summary>
    /// <returns>True when all of it is sound.</returns>
    public async ValueTask<bool> VerifyAsync(RegionStore store, IReadOnlyList<ReplicaDiskRecord> disks, CancellationToken cancellationToken)
    {
        var bad = 0;
        foreach (var disk in disks)
        {
            bad += await MendContentAsync(store, disk.Content, thorough: true, cancellationToken);
        }

        return bad == 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _pool.Dispose();

    private async ValueTask<MendOutcome> WriteAsync(
        RegionStore store,
        BlockBatch batch,
        List<ZoneStore> bad,
        CancellationToken cancellationToken
    )
    {
        try
        {
            foreach (var part in bad)
            {
                await part.ReplaceAsync(batch, cancellationToken);
                await part.FlushAsync(cancellationToken);
                telemetry.BlockMended(store.Name);
                LogMended($"{store.Name}", part.Zone.Number, $"{batch.Entries.Span[0].Digest}");
            }

            return MendOutcome.Mended;
        }
        catch (Exception exception) when (exception is RegionException or IOException or UnauthorizedAccessException)
        {
            LogDeferred(exception, $"{store.Name}");
            return MendOutcome.Deferred;
        }
    }

    private int? FindLength(RegionStore store, BlockDigest digest)
    {
        if (store.Blocks.TryGetLength(digest, out var length))
        {
            return length;
        }

        foreach (var other in stores.Stores)
        {
            if (other.Blocks.TryGetLength(digest, out length))
            {
                return length;
            }
        }

        return null;
    }

    [LoggerMessage(1, LogLevel.Warning, "Store {Store}, zone {Zone}: the block {Block} was damaged or missing, and has been written anew")]
    private partial void LogMended(string store, int zone, string block);

    [LoggerMessage(2, LogLevel.Warning, "Store {Store}: a damaged block could not be written anew")]
    private partial void LogDeferred(Exception exception, string store);
}
