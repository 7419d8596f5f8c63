using System.Runtime.InteropServices;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Serving;

/// <summary>A block in the cache, or on its way into it. Its counts change under the cache's lock.</summary>
internal sealed class CacheEntry
{
    private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Makes one for a block that is to be read into a slot.</summary>
    public CacheEntry(StoreName store, in BlockRef block, Memory<byte> slot)
    {
        (Store, Block, Slot) = (store, block, slot);
        Place = new LinkedListNode<CacheEntry>(this);
    }

    /// <summary>The store it is read from.</summary>
    public StoreName Store { get; }

    /// <summary>The block.</summary>
    public BlockRef Block { get; }

    /// <summary>The memory it lies in.</summary>
    public Memory<byte> Slot { get; }

    /// <summary>The block's part of it.</summary>
    public Memory<byte> Bytes => Slot[..Block.Length];

    /// <summary>Its place among those that nobody uses.</summary>
    public LinkedListNode<CacheEntry> Place { get; }

    /// <summary>Uses that go on; its load is one.</summary>
    public int Pins { get; set; }

    /// <summary>True while others can find it.</summary>
    public bool IsListed { get; set; }

    /// <summary>Completes when the bytes are there and checked.</summary>
    public Task Loaded => _loaded.Task;

    /// <summary>The bytes are there and checked.</summary>
    public void SetLoaded() => _loaded.SetResult();

    /// <summary>The bytes can't be had.</summary>
    public void SetFailed(Exception exception)
    {
        _loaded.SetException(exception);
        _ = _loaded.Task.Exception; // Nobody may wait for it: that is no mistake.
    }
}

/// <summary>A block's checked bytes, until it is disposed of, once.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct CachedBlock(BlockCache cache, CacheEntry entry) : IDisposable
{
    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Bytes => entry.Bytes;

    /// <inheritdoc/>
    public void Dispose() => cache.Unpin(entry);
}
