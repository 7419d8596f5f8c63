using System.Collections.Concurrent;
using System.Threading.Channels;
using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Scrub;

/// <summary>Blocks that somebody could not read, waiting to be mended. Each stands in it once, however many readers came upon it.</summary>
internal sealed class DamageQueue
{
    private readonly ConcurrentDictionary<(StoreName Store, BlockDigest Digest), bool> _known = new();
    private readonly Channel<(StoreName Store, BlockDigest Digest)> _waiting = Channel.CreateUnbounded<(StoreName, BlockDigest)>();

    /// <summary>Notes a block.</summary>
    public void Report(StoreName store, BlockDigest digest)
    {
        if (_known.TryAdd((store, digest), true))
        {
            _waiting.Writer.TryWrite((store, digest));
        }
    }

    /// <summary>Waits for the next block. It may be reported again from then on.</summary>
    public async ValueTask<(StoreName Store, BlockDigest Digest)> NextAsync(CancellationToken cancellationToken)
    {
        var next = await _waiting.Reader.ReadAsync(cancellationToken);
        _known.TryRemove(next, out _);
        return next;
    }
}
