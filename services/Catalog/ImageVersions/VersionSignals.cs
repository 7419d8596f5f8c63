using System.Threading.Channels;
using Gallery.Catalog.Resources;
using Gallery.ServiceDefaults.Redis;
using StackExchange.Redis;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Wakes who watches a version when its record changes, in whichever process. A lost signal costs the watcher a poll interval.</summary>
internal sealed class VersionSignals(RedisStore store) : BackgroundService
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<VersionSignal>> _watched = [];

    /// <summary>Begins to watch a version.</summary>
    /// <param name="key">The key of its record.</param>
    public VersionSignal Watch(RedisKey key)
    {
        var signal = new VersionSignal(this, key.ToString());
        lock (_lock)
        {
            if (!_watched.TryGetValue(signal.Key, out var signals))
            {
                _watched.Add(signal.Key, signals = []);
            }

            signals.Add(signal);
        }

        return signal;
    }

    internal void Forget(VersionSignal signal)
    {
        lock (_lock)
        {
            if (_watched.TryGetValue(signal.Key, out var signals) && signals.Remove(signal) && signals.Count == 0)
            {
                _watched.Remove(signal.Key);
            }
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        store.SubscribeAsync(RedisChannel.Literal(CatalogKeys.VersionChannel), key => Wake(key.ToString()), stoppingToken);

    private void Wake(string key)
    {
        lock (_lock)
        {
            if (_watched.TryGetValue(key, out var signals))
            {
                signals.ForEach(signal => signal.Set());
            }
        }
    }
}

/// <summary>Tells one watcher that a version may have changed.</summary>
internal sealed class VersionSignal(VersionSignals owner, string key) : IDisposable
{
    private readonly Channel<bool> _set = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    public string Key => key;

    public void Set() => _set.Writer.TryWrite(true);

    /// <summary>Returns when the version may have changed, or after a while.</summary>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(atMost);
        try
        {
            await _set.Reader.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The while is over.
        }
    }

    public void Dispose() => owner.Forget(this);
}
