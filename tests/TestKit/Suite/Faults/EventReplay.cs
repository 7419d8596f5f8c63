using System.Globalization;
using StackExchange.Redis;

namespace Gallery.TestKit.Suite.Faults;

/// <summary>Keeps a copy of every event that a service tells, and tells them again: more than once, in another order, long after.</summary>
public sealed class EventReplay : IAsyncDisposable
{
    private const int Partitions = 8;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private readonly ConnectionMultiplexer _connection;
    private readonly string _prefix;
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private readonly List<(RedisKey Stream, NameValueEntry[] Fields)> _kept = [];
    private readonly Task _keeping;

    private EventReplay(ConnectionMultiplexer connection, string prefix)
    {
        (_connection, _prefix) = (connection, prefix);
        _keeping = KeepAsync();
    }

    /// <summary>Events kept so far.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _kept.Count;
            }
        }
    }

    private IDatabase Database => _connection.GetDatabase();

    private IEnumerable<RedisKey> Streams =>
        Enumerable
            .Range(0, Partitions)
            .Select(part => (RedisKey)string.Create(CultureInfo.InvariantCulture, $"{_prefix}:{{p{part:00}}}:events"));

    /// <summary>Begins to keep the events of a service.</summary>
    /// <param name="suite">The house.</param>
    /// <param name="service">Its name, `catalog` for example.</param>
    /// <param name="prefix">What its keys begin with, `cat` for example.</param>
    public static async Task<EventReplay> StartAsync(GallerySuite suite, string service, string prefix) =>
        new(await suite.RedisAsAsync(service), prefix);

    /// <summary>Tells all kept events again, in a random order.</summary>
    public async Task TellAgainAsync(Random random)
    {
        (RedisKey Stream, NameValueEntry[] Fields)[] again;
        lock (_gate)
        {
            again = [.. _kept];
        }

        random.Shuffle(again);
        foreach (var (stream, fields) in again)
        {
            await Database.StreamAddAsync(stream, fields);
        }
    }

    /// <summary>Whether every consumer has acknowledged everything.</summary>
    public async Task<bool> IsConsumedAsync()
    {
        foreach (var stream in Streams)
        {
            if (!await Database.KeyExistsAsync(stream))
            {
                continue;
            }

            var last = (await Database.StreamInfoAsync(stream)).LastGeneratedId;
            var groups = await Database.StreamGroupInfoAsync(stream);
            if (groups.Any(group => group.PendingMessageCount > 0 || group.LastDeliveredId != last))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _keeping;
        await _connection.DisposeAsync();
        _ending.Dispose();
    }

    // Streams are trimmed when all have read them, but not as often as this looks.
    private async Task KeepAsync()
    {
        var last = Streams.ToDictionary(stream => stream, _ => (RedisValue)"-");
        while (!_ending.IsCancellationRequested)
        {
            foreach (var stream in Streams)
            {
                foreach (var entry in await Database.StreamRangeAsync(stream, last[stream]))
                {
                    last[stream] = $"({entry.Id}";
                    lock (_gate)
                    {
                        _kept.Add((stream, entry.Values));
                    }
                }
            }

            await Task.Delay(Pause, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
