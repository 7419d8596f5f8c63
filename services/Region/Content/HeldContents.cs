using Gallery.Region.Blocks;
using Gallery.Region.Stores;

namespace Gallery.Region.Content;

/// <summary>
/// Which complete contents the node has, and in which stores: those of its committed uploads and of its ready replicas. What is not listed here
/// is not given out.
/// </summary>
internal sealed class HeldContents
{
    private readonly Dictionary<BlockDigest, List<(string Holder, RegionStore Store)>> _contents = [];
    private readonly Lock _gate = new();

    /// <summary>Notes that a holder (an upload, a replica) has a content complete.</summary>
    public void Add(BlockDigest content, string holder, RegionStore store)
    {
        lock (_gate)
        {
            if (!_contents.TryGetValue(content, out var holders))
            {
                _contents.Add(content, holders = []);
            }

            if (!holders.Contains((holder, store)))
            {
                holders.Add((holder, store));
            }
        }
    }

    /// <summary>Notes that a holder is gone.</summary>
    public void Remove(BlockDigest content, string holder)
    {
        lock (_gate)
        {
            if (
                _contents.TryGetValue(content, out var holders)
                && holders.RemoveAll(entry => entry.Holder == holder) > 0
                && holders.Count == 0
            )
            {
                _contents.Remove(content);
            }
        }
    }

    /// <summary>A store that has the content and can be read; null when none has.</summary>
    public RegionStore? Find(BlockDigest content)
    {
        lock (_gate)
        {
            return _contents.TryGetValue(content, out var holders) ? holders.Find(entry => entry.Store.Failure.Length == 0).Store : null;
        }
    }

    /// <summary>The store of a ready replica that has the content; null when there is no such.</summary>
    public RegionStore? FindReplica(string replicaId, BlockDigest content)
    {
        lock (_gate)
        {
            return _contents.TryGetValue(content, out var holders)
                ? holders.Find(entry => entry.Store.Name.IsReplicaStore && entry.Holder == replicaId).Store
                : null;
        }
    }
}
