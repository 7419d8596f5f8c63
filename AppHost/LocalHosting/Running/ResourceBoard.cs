using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Gallery.LocalHosting.Running;

/// <summary>The current snapshot of every resource. All who want to know read or watch it here.</summary>
internal sealed class ResourceBoard
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ResourceSnapshot> _snapshots = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _order = [];
    private readonly ConcurrentDictionary<Channel<ResourceSnapshot>, byte> _watchers = new();

    /// <summary>All resources, in the order in which they were composed.</summary>
    public IReadOnlyList<ResourceSnapshot> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _order.Select(name => _snapshots[name])];
            }
        }
    }

    /// <summary>Finds a resource by its name or its instance's name.</summary>
    public ResourceSnapshot? Find(string name)
    {
        lock (_gate)
        {
            return _snapshots.GetValueOrDefault(name)
                ?? _snapshots.Values.FirstOrDefault(snapshot =>
                    string.Equals(snapshot.InstanceName, name, StringComparison.OrdinalIgnoreCase)
                );
        }
    }

    public void Add(ResourceSnapshot snapshot)
    {
        lock (_gate)
        {
            _snapshots.Add(snapshot.Name, snapshot);
            _order.Add(snapshot.Name);
            Publish(snapshot);
        }
    }

    /// <summary>Changes a snapshot. Watchers hear of it only if something did change.</summary>
    public ResourceSnapshot Update(string name, Func<ResourceSnapshot, ResourceSnapshot> change)
    {
        lock (_gate)
        {
            var before = _snapshots[name];
            var after = change(before);
            if (!ReferenceEquals(before, after))
            {
                _snapshots[name] = after;
                Publish(after);
            }

            return after;
        }
    }

    /// <summary>Gives all snapshots and, without a gap, every later change.</summary>
    public Subscription Watch()
    {
        lock (_gate)
        {
            var channel = Channel.CreateUnbounded<ResourceSnapshot>(new UnboundedChannelOptions { SingleReader = true });
            _watchers.TryAdd(channel, 0);
            return new Subscription(
                [.. _order.Select(name => _snapshots[name])],
                channel.Reader,
                () => _watchers.TryRemove(channel, out _)
            );
        }
    }

    /// <summary>Waits until a resource is as wished.</summary>
    public async Task<ResourceSnapshot> WaitUntilAsync(string name, Predicate<ResourceSnapshot> wish, CancellationToken cancellationToken)
    {
        using var subscription = Watch();
        foreach (var snapshot in subscription.Initial)
        {
            if (snapshot.Name == name && wish(snapshot))
            {
                return snapshot;
            }
        }

        await foreach (var snapshot in subscription.Changes.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            if (snapshot.Name == name && wish(snapshot))
            {
                return snapshot;
            }
        }

        throw new InvalidOperationException("The board is never closed.");
    }

    private void Publish(ResourceSnapshot snapshot)
    {
        foreach (var watcher in _watchers.Keys)
        {
            watcher.Writer.TryWrite(snapshot);
        }
    }

    /// <summary>One watcher's view of the board.</summary>
    internal sealed class Subscription(IReadOnlyList<ResourceSnapshot> initial, ChannelReader<ResourceSnapshot> changes, Action end)
        : IDisposable
    {
        public IReadOnlyList<ResourceSnapshot> Initial { get; } = initial;

        public ChannelReader<ResourceSnapshot> Changes { get; } = changes;

        public void Dispose() => end();
    }
}
