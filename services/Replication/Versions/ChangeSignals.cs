using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using StackExchange.Redis;

namespace Gallery.Replication.Versions;

/// <summary>
/// Wakes those who wait for a change, in every process of this service: watchers of a version and workers of a region. A signal may be
/// lost, so whoever waits looks again after a while by itself.
/// </summary>
internal sealed class ChangeSignals(RedisStore redis) : BackgroundService
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HashSet<Waiter>> _waiters = [];
    private readonly RedisChannel _versions = RedisChannel.Literal(redis.Prefix + "changed");
    private readonly RedisChannel _regions = RedisChannel.Literal(redis.Prefix + "due");

    /// <summary>Tells that a version changed and that there is new work in regions.</summary>
    public void Changed(ResourceName version, IEnumerable<string> regions)
    {
        Publish(_versions, version.Key);
        foreach (var region in regions)
        {
            NewWork(region);
        }
    }

    /// <summary>Tells that a version's progress changed.</summary>
    public void Progressed(ResourceName version) => Publish(_versions, version.Key);

    /// <summary>Tells that there is new work in a region.</summary>
    public void NewWork(string region) => Publish(_regions, region);

    /// <summary>Begins to wait for changes of a version; to be disposed of.</summary>
    public Waiter OfVersion(ResourceName version) => Add("v:" + version.Key);

    /// <summary>Begins to wait for work in a region; to be disposed of.</summary>
    public Waiter OfRegion(string region) => Add("r:" + region);

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(
            redis.SubscribeAsync(_versions, version => Wake("v:" + version), stoppingToken),
            redis.SubscribeAsync(_regions, region => Wake("r:" + region), stoppingToken)
        );

    private void Publish(RedisChannel channel, string message) =>
        redis.Connection.GetSubscriber().Publish(channel, message, CommandFlags.FireAndForget);

    private Waiter Add(string key)
    {
        var waiter = new Waiter(this, key);
        lock (_gate)
        {
            if (!_waiters.TryGetValue(key, out var waiters))
            {
                _waiters.Add(key, waiters = []);
            }

            waiters.Add(waiter);
        }

        return waiter;
    }

    private void Remove(Waiter waiter)
    {
        lock (_gate)
        {
            if (_waiters.TryGetValue(waiter.Key, out var waiters) && waiters.Remove(waiter) && waiters.Count == 0)
            {
                _waiters.Remove(waiter.Key);
            }
        }
    }

    private void Wake(string key)
    {
        lock (_gate)
        {
            foreach (var waiter in _waiters.GetValueOrDefault(key) ?? [])
            {
                waiter.Wake();
            }
        }
    }

    /// <summary>Somebody who waits.</summary>
    internal sealed class Waiter(ChangeSignals owner, string key) : IDisposable
    {
        private readonly SemaphoreSlim _woken = new(0, 1);

        /// <summary>What it waits for.</summary>
        public string Key => key;

        /// <summary>Returns when it was woken since the last call, or after the timeout.</summary>
        public Task WaitAsync(TimeSpan timeout, CancellationToken cancellationToken) => _woken.WaitAsync(timeout, cancellationToken);

        /// <summary>Wakes it.</summary>
        public void Wake()
        {
            try
            {
                _woken.Release();
            }
            catch (SemaphoreFullException)
            {
                // It was woken already and has not looked yet.
            }
        }

        /// <inheritdoc />
        public void Dispose() => owner.Remove(this); // The semaphore holds no handle; a late Wake must not meet a disposed one.
    }
}
