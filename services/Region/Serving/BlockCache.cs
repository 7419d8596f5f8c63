using Gallery.Region.Blocks;
using Gallery.Region.Node;
using Gallery.Region.Stores;
using Microsoft.Extensions.Options;

namespace Gallery.Region.Serving;

/// <summary>
/// Blocks that were read lately, checked, for all readers of the node: machines that start from one image at the same time cost one read of the
/// disk, not one each, whichever of its replicas they read. Readers that lack the same block wait for one read of it. The memory is bounded by
/// the setting; what was used least lately makes room. A block is pinned only while its bytes are copied, never while a reader is slow.
/// </summary>
internal sealed class BlockCache : IDisposable
{
    private readonly Dictionary<BlockDigest, CacheEntry> _entries = [];
    private readonly LinkedList<CacheEntry> _idle = new(); // Loaded and not pinned, least lately used first.
    private readonly Lock _gate = new();
    private readonly KnownBlocks _known = new();
    private readonly CacheMemory _memory;
    private readonly RegionTelemetry _telemetry;
    private long _uses;

    /// <summary>Takes the bound from the settings.</summary>
    public BlockCache(IOptions<RegionOptions> options, RegionTelemetry telemetry)
    {
        _memory = new CacheMemory(options.Value.CacheBytes);
        _telemetry = telemetry;
        telemetry.Meter.CreateObservableGauge("gallery.region.cache.size", () => _memory.Bytes, "By", "Memory that the block cache takes.");
    }

    /// <summary>Blocks that fit.</summary>
    public int Capacity => _memory.Capacity;

    /// <summary>Blocks that were asked for so far: a measure of how busy the cache is.</summary>
    public long Uses => Interlocked.Read(ref _uses);

    /// <summary>
    /// Gives the first of some blocks, and reads those behind it along with it when they are lacking too: whoever asks is likely to want them
    /// next. The block stays pinned until it is disposed of.
    /// </summary>
    /// <exception cref="BlockMissingException">It is not in the store.</exception>
    /// <exception cref="BlockCorruptException">It is damaged in every copy that the store has.</exception>
    public async ValueTask<CachedBlock> GetAsync(RegionStore store, ReadOnlyMemory<BlockRef> blocks, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _uses);
        while (true)
        {
            var (entry, claimed) = Pin(store, blocks.Span);
            try
            {
                foreach (var lacking in claimed ?? [])
                {
                    // For everybody who waits for it: so not ended by the end of this reader.
                    _ = LoadAsync(store, lacking);
                }

                if (!entry.Loaded.IsCompletedSuccessfully)
                {
                    await entry.Loaded.WaitAsync(cancellationToken);
                }

                _telemetry.CacheUsed(hit: claimed is null);
                return new CachedBlock(this, entry);
            }
            catch (Exception exception) when (exception is not OperationCanceledException && entry.Store != store.Name)
            {
                // Another replica's store could not give it; this one may.
                Unpin(entry);
            }
            catch
            {
                Unpin(entry);
                throw;
            }
        }
    }

    /// <summary>Gives all memory back that no reader uses.</summary>
    public void Trim()
    {
        lock (_gate)
        {
            while (_idle.First is { } oldest)
            {
                Drop(oldest.Value);
            }

            _memory.Trim();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Trim();

    /// <summary>Ends a use of a block.</summary>
    internal void Unpin(CacheEntry entry)
    {
        lock (_gate)
        {
            if (--entry.Pins > 0)
            {
                return;
            }

            if (entry.IsListed)
            {
                _idle.AddLast(entry.Place);
            }
            else
            {
                _memory.Return(entry.Slot);
            }
        }
    }

    private (CacheEntry Entry, List<CacheEntry>? Claimed) Pin(RegionStore store, ReadOnlySpan<BlockRef> blocks)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(blocks[0].Digest, out var known) && known.Block.Length == blocks[0].Length)
            {
                PinListed(known);
                return (known, null);
            }

            // The one that is wanted is read at any rate; without a free slot, past the cache.
            var wanted = Claim(store.Name, blocks[0]) ?? new CacheEntry(store.Name, blocks[0], CacheMemory.RentBeyond());
            wanted.Pins++;
            var claimed = new List<CacheEntry>(blocks.Length) { wanted };
            foreach (ref readonly var block in blocks[1..])
            {
                if (_entries.ContainsKey(block.Digest) || Claim(store.Name, block) is not { } next)
                {
                    break;
                }

                claimed.Add(next);
            }

            foreach (var entry in claimed)
            {
                entry.Pins++; // By its load.
            }

            return (wanted, claimed);
        }
    }

    private void PinListed(CacheEntry entry)
    {
        if (entry.Pins++ == 0)
        {
            _idle.Remove(entry.Place);
        }
    }

    private CacheEntry? Claim(StoreName store, in BlockRef block)
    {
        if (_entries.ContainsKey(block.Digest))
        {
            return null;
        }

        if (!_memory.TryRent(out var slot))
        {
            if (_idle.First is not { } oldest)
            {
                return null;
            }

            Drop(oldest.Value);
            if (!_memory.TryRent(out slot))
            {
                return null;
            }
        }

        var entry = new CacheEntry(store, block, slot) { IsListed = true };
        _entries.Add(block.Digest, entry);
        return entry;
    }

    private void Drop(CacheEntry idle)
    {
        _idle.Remove(idle.Place);
        Unlist(idle);
        _memory.Return(idle.Slot);
    }

    private void Unlist(CacheEntry entry)
    {
        if (entry.IsListed)
        {
            entry.IsListed = false;
            _entries.Remove(entry.Block.Digest);
        }
    }

    private async Task LoadAsync(RegionStore store, CacheEntry entry)
    {
        try
        {
            BlockRef[] block = [entry.Block];
            await store.Blocks.ReadUncheckedAsync(block, entry.Bytes, CancellationToken.None);
            if (!_known.Check(entry.Block.Digest, entry.Bytes.Span))
            {
                // Takes it from another zone, has it mended, or says what is wrong.
                await store.Blocks.ReadAsync(block, entry.Bytes, CancellationToken.None);
            }

            _telemetry.BlockRead(entry.Block.Length);
            entry.SetLoaded();
        }
#pragma warning disable CA1031 // Whatever it is, those who wait for the block are told.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            lock (_gate)
            {
                Unlist(entry);
            }

            entry.SetFailed(exception);
        }
        finally
        {
            Unpin(entry);
        }
    }
}
