using System.Diagnostics;
using System.Text;
using Gallery.ServiceDefaults.Paging;
using Google.Protobuf;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>
/// The service's part of Redis: everything below its key prefix. A record is a hash with the fields <c>p</c> (a protobuf message) and
/// <c>e</c> (its etag); a list is a sorted set of which pages are read; a change is a <see cref="RedisMutation"/>.
/// </summary>
public sealed class RedisStore
{
    private static readonly RedisValue[] RecordFields = ["p", "e"];
    private static readonly RedisValue[] MemoFields = ["h", "a"];

    private readonly InstallationCheck _installation;
    private readonly TimeProvider _clock;
    private readonly ServiceIdentity _service;
    private readonly RedisStoreOptions _options;
    private readonly RedisMetrics _metrics;

    internal RedisStore(
        IConnectionMultiplexer connection,
        RedisPrefix prefix,
        InstallationCheck installation,
        ServiceIdentity service,
        TimeProvider clock,
        IOptions<RedisStoreOptions> options,
        RedisMetrics metrics
    )
    {
        Connection = connection;
        Database = connection.GetDatabase();
        Prefix = prefix.Value;
        _installation = installation;
        _service = service;
        _clock = clock;
        _options = options.Value;
        _metrics = metrics;
        Partitions = [.. Enumerable.Range(0, _options.Partitions).Select(number => new Partition(Prefix, number))];
    }

    /// <summary>The shared connection. No blocking commands on it: it is multiplexed.</summary>
    public IConnectionMultiplexer Connection { get; }

    /// <summary>For reads that the store has no method for. Write through <see cref="ExecuteAsync"/>.</summary>
    public IDatabase Database { get; }

    /// <summary>The service's key prefix, <c>cat:</c> for example.</summary>
    public string Prefix { get; }

    /// <summary>All partitions, by number.</summary>
    public IReadOnlyList<Partition> Partitions { get; }

    /// <summary>The partition of a subscription: the same in every service and for ever.</summary>
    /// <param name="subscriptionId">A UUID; case does not matter.</param>
    public Partition PartitionOf(string subscriptionId)
    {
        ArgumentException.ThrowIfNullOrEmpty(subscriptionId);
        // FNV-1a: stable over versions and platforms, unlike string.GetHashCode.
        var hash = 2166136261u;
        foreach (var character in Encoding.UTF8.GetBytes(subscriptionId.ToLowerInvariant()))
        {
            hash = (hash ^ character) * 16777619u;
        }

        return Partitions[(int)(hash % (uint)Partitions.Count)];
    }

    /// <summary>Carries out a mutation.</summary>
    /// <param name="mutation">What to check and write.</param>
    /// <param name="cancellationToken">Ends the wait; the mutation may have been carried out then.</param>
    /// <exception cref="Grpc.Core.RpcException">A check failed: the error it was added with. Or the request id was used with another
    /// request.</exception>
    /// <exception cref="RedisException">Redis can't be reached; the mutation may have been carried out.</exception>
    public async Task<MutationResult> ExecuteAsync(RedisMutation mutation, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(mutation);
        await _installation.EnsureAsync(cancellationToken);
        var (keys, arguments) = mutation.Compile(_service.Name, _clock, _options.RequestMemory);
        var start = Stopwatch.GetTimestamp();
        var result = (RedisResult[])
            (await Database.ScriptEvaluateAsync(RedisScripts.Mutation, keys, arguments).WaitAsync(cancellationToken))!;
        var outcome = (int)result[0];
        _metrics.Mutated(Stopwatch.GetElapsedTime(start), outcome);
        return outcome switch
        {
            0 => new MutationResult(remembered: null),
            -1 => new MutationResult((byte[])result[1]!),
            -2 => throw mutation.RequestIdReused(),
            _ => throw mutation.Failure(outcome, (string)result[1]!),
        };
    }

    /// <summary>Reads a record; null when there is none.</summary>
    /// <typeparam name="T">The record's message.</typeparam>
    /// <param name="key">The record's key.</param>
    /// <param name="parser">The message's parser.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<Stored<T>?> ReadAsync<T>(RedisKey key, MessageParser<T> parser, CancellationToken cancellationToken = default)
        where T : class, IMessage<T>
    {
        await _installation.EnsureAsync(cancellationToken);
        return Parse(await Database.HashGetAsync(key, RecordFields).WaitAsync(cancellationToken), parser);
    }

    /// <summary>Reads many records in one round trip, in the order asked for; null where there is none.</summary>
    /// <typeparam name="T">The records' message.</typeparam>
    /// <param name="keys">The records' keys, of any partitions.</param>
    /// <param name="parser">The message's parser.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<Stored<T>?>> ReadManyAsync<T>(
        IReadOnlyList<RedisKey> keys,
        MessageParser<T> parser,
        CancellationToken cancellationToken = default
    )
        where T : class, IMessage<T>
    {
        ArgumentNullException.ThrowIfNull(keys);
        await _installation.EnsureAsync(cancellationToken);
        // Sent one behind the other on the shared connection without waiting in between.
        var reads = keys.Select(key => Database.HashGetAsync(key, RecordFields)).ToArray();
        var records = await Task.WhenAll(reads).WaitAsync(cancellationToken);
        return [.. records.Select(record => Parse(record, parser))];
    }

    /// <summary>Reads a page of a sorted set whose members all have the score 0: in the order of their bytes.</summary>
    /// <param name="index">The sorted set.</param>
    /// <param name="page">Which page.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IndexPage> ReadIndexAsync(RedisKey index, PageRequest page, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(page);
        await _installation.EnsureAsync(cancellationToken);
        // One more than the page holds tells whether there is a further page.
        var found =
            page.After.Length == 0
                ? await Database.SortedSetRangeByRankAsync(index, 0, page.Size).WaitAsync(cancellationToken)
                : await Database
                    .SortedSetRangeByValueAsync(index, page.After, default, Exclude.Start, Order.Ascending, 0, page.Size + 1)
                    .WaitAsync(cancellationToken);
        var members = found.Take(page.Size).Select(member => member.ToString()).ToArray();
        return new IndexPage(members, found.Length > page.Size ? page.TokenAfter(members[^1]) : "");
    }

    /// <summary>
    /// The answer that was given to an earlier request with the same request id; null when there was none. To be asked before a request is
    /// looked at closer, because what it depends on may have changed since.
    /// </summary>
    /// <typeparam name="T">The answer's message.</typeparam>
    /// <param name="memo">The request's memo; null finds nothing.</param>
    /// <param name="parser">The message's parser.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="Grpc.Core.RpcException">The request id was used with another request.</exception>
    public async Task<T?> FindAnswerAsync<T>(RequestMemo? memo, MessageParser<T> parser, CancellationToken cancellationToken = default)
        where T : class, IMessage<T>
    {
        ArgumentNullException.ThrowIfNull(parser);
        if (memo is null)
        {
            return null;
        }

        await _installation.EnsureAsync(cancellationToken);
        var found = await Database.HashGetAsync(memo.Key, MemoFields).WaitAsync(cancellationToken);
        if (found[0].IsNull)
        {
            return null;
        }

        return ((byte[])found[0]!).AsSpan().SequenceEqual(memo.Hash)
            ? parser.ParseFrom((byte[])found[1]!)
            : throw Errors.GalleryError.RequestIdReused(memo.RequestId);
    }

    private static Stored<T>? Parse<T>(RedisValue[] record, MessageParser<T> parser)
        where T : class, IMessage<T> => record[0].IsNull ? null : new Stored<T>(parser.ParseFrom((byte[])record[0]!), record[1].ToString());
}
