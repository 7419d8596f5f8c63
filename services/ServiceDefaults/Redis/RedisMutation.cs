using System.Globalization;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Events;
using Google.Protobuf;
using Grpc.Core;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Redis;

/// <summary>
/// One atomic step on the keys of one partition: checks, in the order added, then writes, in the order added. The first check that
/// fails decides the error, and nothing is written. Built once, run once by <see cref="RedisStore.ExecuteAsync"/>.
/// </summary>
/// <param name="partition">All keys must be of this partition, or of the same partition of another service.</param>
public sealed class RedisMutation(Partition partition)
{
    private readonly List<RedisKey> _keys = [];
    private readonly Dictionary<RedisKey, int> _keyNumbers = [];
    private readonly List<RedisValue> _checks = [];
    private readonly List<Write> _writes = [];
    private readonly List<Func<string, RpcException>> _failures = [];
    private RequestMemo? _memo;
    private IMessage? _answer;

    /// <summary>The partition that is changed.</summary>
    public Partition Partition => partition;

    /// <summary>The key must not exist.</summary>
    public RedisMutation RequireAbsent(RedisKey key, Func<RpcException> onFail) => Check("absent", key, Plain(onFail));

    /// <summary>The key must exist.</summary>
    public RedisMutation RequirePresent(RedisKey key, Func<RpcException> onFail) => Check("present", key, Plain(onFail));

    /// <summary>The record must have this etag; an empty etag is no condition.</summary>
    public RedisMutation RequireEtag(RedisKey key, string etag, Func<RpcException> onFail) => RequireEtag(key, etag, Plain(onFail));

    /// <summary>The record must have this etag; an empty etag is no condition. The error is made from the etag that stands there.</summary>
    public RedisMutation RequireEtag(RedisKey key, string etag, Func<string, RpcException> onFail) =>
        string.IsNullOrEmpty(etag) ? this : Check("etag", key, onFail, etag);

    /// <summary>The sorted set must have no member.</summary>
    public RedisMutation RequireEmpty(RedisKey sortedSet, Func<RpcException> onFail) => RequireCountBelow(sortedSet, 1, onFail);

    /// <summary>The sorted set must have fewer members than the limit.</summary>
    public RedisMutation RequireCountBelow(RedisKey sortedSet, long limit, Func<RpcException> onFail) =>
        RequireCountBelow(sortedSet, limit, Plain(onFail));

    /// <summary>The sorted set must have fewer members than the limit. The error is made from the count.</summary>
    public RedisMutation RequireCountBelow(RedisKey sortedSet, long limit, Func<string, RpcException> onFail) =>
        Check("fewer", sortedSet, onFail, limit);

    /// <summary>The counter in a hash must be below the limit.</summary>
    public RedisMutation RequireCounterBelow(RedisKey hash, string field, long limit, Func<RpcException> onFail) =>
        RequireCounterBelow(hash, field, limit, Plain(onFail));

    /// <summary>The counter in a hash must have room for so many more. The error is made from the counter's value.</summary>
    public RedisMutation RequireCounterBelow(RedisKey hash, string field, long limit, Func<string, RpcException> onFail, long by = 1) =>
        Check("counter", hash, onFail, field, by, limit);

    /// <summary>The field of the hash must have the value.</summary>
    public RedisMutation RequireField(RedisKey hash, string field, RedisValue value, Func<RpcException> onFail) =>
        RequireField(hash, field, value, Plain(onFail));

    /// <summary>The field of the hash must have the value. The error is made from the value that stands there.</summary>
    public RedisMutation RequireField(RedisKey hash, string field, RedisValue value, Func<string, RpcException> onFail) =>
        Check("field", hash, onFail, field, value);

    /// <summary>The hash must not have the field.</summary>
    public RedisMutation RequireFieldAbsent(RedisKey hash, string field, Func<RpcException> onFail) =>
        RequireFieldAbsent(hash, field, Plain(onFail));

    /// <summary>The hash must not have the field. The error is made from the value that stands there.</summary>
    public RedisMutation RequireFieldAbsent(RedisKey hash, string field, Func<string, RpcException> onFail) =>
        Check("nofield", hash, onFail, field);

    /// <summary>The sorted set must have the member.</summary>
    public RedisMutation RequireMember(RedisKey sortedSet, string member, Func<RpcException> onFail) =>
        Check("member", sortedSet, Plain(onFail), member);

    /// <summary>The member's score in the sorted set must be 0; one that is not there has none.</summary>
    public RedisMutation RequireUnscored(RedisKey sortedSet, string member, Func<RpcException> onFail) =>
        Check("unscored", sortedSet, Plain(onFail), member);

    /// <summary>The sorted set must not have the member.</summary>
    public RedisMutation RequireNotMember(RedisKey sortedSet, string member, Func<RpcException> onFail) =>
        Check("nomember", sortedSet, Plain(onFail), member);

    /// <summary>Writes a record with its new etag.</summary>
    public RedisMutation PutRecord(RedisKey key, IMessage record, string newEtag) => Add("put", key, record.ToByteArray(), newEtag);

    /// <summary>Deletes a key.</summary>
    public RedisMutation DeleteKey(RedisKey key) => Add("delete", key);

    /// <summary>Lets a key vanish after a while.</summary>
    public RedisMutation Expire(RedisKey key, TimeSpan after) => Add("expire", key, (long)after.TotalMilliseconds);

    /// <summary>Adds a member to a sorted set, or gives it another score.</summary>
    public RedisMutation AddToIndex(RedisKey sortedSet, string member, double score = 0) => Add("add", sortedSet, score, member);

    /// <summary>Adds a member to a sorted set, or lowers its score; a lower one that stands there stays.</summary>
    public RedisMutation AddToIndexOrLower(RedisKey sortedSet, string member, double score) => Add("lower", sortedSet, score, member);

    /// <summary>Removes a member from a sorted set.</summary>
    public RedisMutation RemoveFromIndex(RedisKey sortedSet, string member) => Add("remove", sortedSet, member);

    /// <summary>Changes a counter in a hash.</summary>
    public RedisMutation Increment(RedisKey hash, string field, long by) => Add("increment", hash, field, by);

    /// <summary>Sets a field of a hash.</summary>
    public RedisMutation SetHashField(RedisKey hash, string field, RedisValue value) => Add("set", hash, field, value);

    /// <summary>Removes a field of a hash.</summary>
    public RedisMutation RemoveHashField(RedisKey hash, string field) => Add("unset", hash, field);

    /// <summary>Appends an entry to a log (field <c>p</c> of a stream entry) and lets go of entries that are older than an age.</summary>
    public RedisMutation AppendActivity(RedisKey stream, IMessage entry, TimeSpan maxAge) =>
        Add("activity", stream, (long)maxAge.TotalMilliseconds, entry.ToByteArray());

    /// <summary>
    /// Appends an event to the partition's outbox and wakes its consumers. Id, source, subscription, time and trace context are filled in
    /// where they are empty.
    /// </summary>
    public RedisMutation AppendEvent(EventEnvelope @event)
    {
        Add("event", partition.Events, (service, clock) => [EventEnvelopes.Complete(@event, service, clock).ToByteArray()]);
        _writes.Add(new Write("wake", 0, (_, _) => [EventChannels.WakeOf(partition.Prefix), partition.Number]));
        return this;
    }

    /// <summary>
    /// Publishes a message on a channel, once all is written. Nobody may be listening: a message that is lost must cost its receivers a
    /// poll interval and nothing else.
    /// </summary>
    public RedisMutation Publish(string channel, RedisValue message)
    {
        _writes.Add(new Write("wake", 0, (_, _) => [channel, message]));
        return this;
    }

    /// <summary>
    /// Takes the delivery of an event out of the queue in the same step as the handler's effect, provided that the delivery is still this
    /// consumer's: the delivery is a fencing token. Otherwise ABORTED, and nothing is written.
    /// </summary>
    public RedisMutation Acknowledge(EventDelivery delivery)
    {
        Check(
            "delivery",
            delivery.Stream,
            Plain(EventEnvelopes.DeliveryLost),
            delivery.Group,
            delivery.Consumer,
            delivery.EntryId,
            delivery.DeliveryCount
        );
        return Add("acknowledge", delivery.Stream, delivery.Group, delivery.EntryId);
    }

    /// <summary>
    /// Remembers the answer by the request id; a repeated request gets it before any check is made. Null remembers nothing.
    /// </summary>
    public RedisMutation Remember(RequestMemo? memo, IMessage answer)
    {
        (_memo, _answer) = memo is null ? (null, null) : (memo, answer);
        return this;
    }

    internal (RedisKey[] Keys, RedisValue[] Arguments) Compile(string service, TimeProvider clock, TimeSpan requestMemory)
    {
        List<RedisValue> arguments = [];
        if (_memo is not null)
        {
            arguments.AddRange(["recall", NumberOf(_memo.Key), _memo.Hash]);
        }

        arguments.AddRange(_checks);
        foreach (var write in _writes)
        {
            arguments.Add(write.Operation);
            arguments.Add(write.Key);
            arguments.AddRange(write.Arguments(service, clock));
        }

        if (_memo is not null)
        {
            arguments.AddRange(["remember", NumberOf(_memo.Key), _memo.Hash, (long)requestMemory.TotalMilliseconds, _answer.ToByteArray()]);
        }

        return ([.. _keys], [.. arguments]);
    }

    internal RpcException Failure(int check, string found) => _failures[check - 1](found);

    internal RpcException RequestIdReused() => GalleryError.RequestIdReused(_memo!.RequestId);

    private static Func<string, RpcException> Plain(Func<RpcException> onFail) => _ => onFail();

    private RedisMutation Check(
        string operation,
        RedisKey key,
        Func<string, RpcException> onFail,
        params ReadOnlySpan<RedisValue> arguments
    )
    {
        _checks.Add(operation);
        _checks.Add(NumberOf(key));
        _checks.AddRange(arguments);
        _failures.Add(onFail);
        return this;
    }

    private RedisMutation Add(string operation, RedisKey key, params RedisValue[] arguments) => Add(operation, key, (_, _) => arguments);

    private RedisMutation Add(string operation, RedisKey key, Func<string, TimeProvider, RedisValue[]> arguments)
    {
        _writes.Add(new Write(operation, NumberOf(key), arguments));
        return this;
    }

    private int NumberOf(RedisKey key)
    {
        if (!_keyNumbers.TryGetValue(key, out var number))
        {
            var text = key.ToString();
            if (!text.Contains(partition.Tag, StringComparison.Ordinal))
            {
                throw new ArgumentException(
                    string.Create(CultureInfo.InvariantCulture, $"'{text}' is no key of partition {partition.Number}."),
                    nameof(key)
                );
            }

            _keys.Add(key);
            number = _keys.Count;
            _keyNumbers.Add(key, number);
        }

        return number;
    }

    private sealed record Write(string Operation, int Key, Func<string, TimeProvider, RedisValue[]> Arguments);
}
