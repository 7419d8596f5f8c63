using System.Globalization;
using System.Text.RegularExpressions;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Events;

/// <summary>The events of a subscription that this service could not handle.</summary>
internal sealed partial class DeadLetterStore(RedisStore store, IEnumerable<EventSubscription> subscriptions)
{
    /// <summary>Whether a text is the id of a dead letter: what Redis names an entry of a stream.</summary>
    public static bool IsId(string id) => EntryId().IsMatch(id);

    public async Task<(IReadOnlyList<DeadLetter> Letters, string NextPageToken)> ListAsync(string subscriptionId, PageRequest page)
    {
        var key = EventSubscription.DeadLetters(store.PartitionOf(subscriptionId), subscriptionId);
        RedisValue from = IsId(page.After) ? $"({page.After}" : "-";
        var entries = await store.Database.StreamRangeAsync(key, from, "+", page.Size + 1);
        var letters = entries.Take(page.Size).Select(Parse).ToArray();
        return (letters, entries.Length > page.Size ? page.TokenAfter(letters[^1].Id) : "");
    }

    public async Task<DeadLetter?> FindAsync(string subscriptionId, string id)
    {
        var key = EventSubscription.DeadLetters(store.PartitionOf(subscriptionId), subscriptionId);
        var found = await store.Database.StreamRangeAsync(key, id, id, 1);
        return found.Length == 0 ? null : Parse(found[0]);
    }

    /// <summary>Hands a dead letter to the consumer once more. False when there is none with that id.</summary>
    public async Task<bool> RedriveAsync(string subscriptionId, string id)
    {
        if (await FindAsync(subscriptionId, id) is not { } letter)
        {
            return false;
        }

        var own = store.PartitionOf(subscriptionId);
        var producer =
            subscriptions.Select(subscription => subscription.ProducerPrefix).FirstOrDefault(prefix => IsFrom(letter.Stream, own, prefix))
            ?? throw new InvalidOperationException($"The dead letter came from '{letter.Stream}', which this service does not consume.");
        var redriven = await store.Database.ScriptEvaluateAsync(
            RedisScripts.Redrive,
            [EventSubscription.DeadLetters(own, subscriptionId), EventSubscription.RedriveStream(own, producer)],
            [id, EventChannels.WakeOf(store.Prefix), own.Number]
        );
        return (bool)redriven;
    }

    public Task DiscardAsync(string subscriptionId, string id) =>
        store.Database.StreamDeleteAsync(EventSubscription.DeadLetters(store.PartitionOf(subscriptionId), subscriptionId), [id]);

    private static bool IsFrom(string stream, Partition own, string producerPrefix) =>
        stream == own.Of(producerPrefix).Events || stream == EventSubscription.RedriveStream(own, producerPrefix);

    private static DeadLetter Parse(StreamEntry entry)
    {
        var id = entry.Id.ToString();
        return new DeadLetter
        {
            Id = id,
            Event = ParseEvent((byte[]?)entry["p"] ?? []),
            Reason = entry["reason"].ToString(),
            DeliveryCount = (int)entry["deliveries"],
            Stream = entry["stream"].ToString(),
            DeadTime = Timestamp.FromDateTimeOffset(
                DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(id.AsSpan(0, id.IndexOf('-')), CultureInfo.InvariantCulture))
            ),
        };
    }

    private static EventEnvelope ParseEvent(byte[] bytes)
    {
        try
        {
            return EventEnvelope.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return new EventEnvelope(); // That it is no event is why it lies here; the reason says so.
        }
    }

    [GeneratedRegex(@"^\d{1,15}-\d{1,15}$")]
    private static partial Regex EntryId();
}
