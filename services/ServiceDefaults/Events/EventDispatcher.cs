using System.Diagnostics;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Redis;
using Gallery.ServiceDefaults.Resilience;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Events;

/// <summary>Hands one delivery to its handler and decides what becomes of it.</summary>
internal sealed partial class EventDispatcher(
    IServiceScopeFactory scopes,
    IOptions<EventOptions> options,
    EventMetrics metrics,
    ILogger<EventDispatcher> logger
)
{
    private const int LongestReason = 1000;
    private const string NoSubscription = "00000000-0000-0000-0000-000000000000";

    private static readonly ActivitySource Source = new("Gallery.Events");

    /// <summary>Handles a delivery. False when it failed and stays in the queue.</summary>
    public async Task<bool> HandleAsync(
        EventSubscription subscription,
        Partition own,
        EventStream stream,
        StreamEntry entry,
        string group,
        string consumer,
        int deliveries,
        CancellationToken stopping
    )
    {
        EventEnvelope envelope;
        try
        {
            envelope = EventEnvelope.Parser.ParseFrom((byte[]?)entry["p"] ?? []);
        }
        catch (InvalidProtocolBufferException exception)
        {
            await GiveUpAsync(subscription, own, stream, entry, new EventEnvelope(), deliveries, Reason(exception));
            return true;
        }

        using var activity = StartActivity(subscription, envelope);
        var start = Stopwatch.GetTimestamp();
        try
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            timeout.CancelAfter(options.Value.HandlerTimeout);
            await using var scope = scopes.CreateAsyncScope();
            var handler = (IEventDeliveryHandler)scope.ServiceProvider.GetRequiredService(subscription.Handler);
            await handler.HandleAsync(new EventDelivery(envelope, stream.Key, group, consumer, entry.Id, deliveries), timeout.Token);
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            // The service stops: the delivery stays pending, and whoever claims it handles it.
            return false;
        }
        catch (Exception exception)
        {
            metrics.Failed(subscription.ProducerPrefix, Stopwatch.GetElapsedTime(start));
            activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
            if (deliveries >= options.Value.MaxDeliveries && !Transient.IsUnavailable(exception))
            {
                await GiveUpAsync(subscription, own, stream, entry, envelope, deliveries, Reason(exception));
                return true;
            }

            LogFailed(exception, envelope.Id, envelope.Subject, envelope.PayloadCase, deliveries, options.Value.RetryDelay(deliveries));
            return false;
        }

        await stream.AcknowledgeAsync(entry.Id);
        metrics.Handled(subscription.ProducerPrefix, Stopwatch.GetElapsedTime(start));
        return true;
    }

    /// <summary>Moves an event to the dead letters because every consumer that took it died.</summary>
    public Task GiveUpAsync(EventSubscription subscription, Partition own, EventStream stream, StreamEntry entry, int deliveries)
    {
        EventEnvelope envelope;
        try
        {
            envelope = EventEnvelope.Parser.ParseFrom((byte[]?)entry["p"] ?? []);
        }
        catch (InvalidProtocolBufferException)
        {
            envelope = new EventEnvelope();
        }

        return GiveUpAsync(
            subscription,
            own,
            stream,
            entry,
            envelope,
            deliveries,
            "The consumers that it was delivered to ended without an answer."
        );
    }

    private static Activity? StartActivity(EventSubscription subscription, EventEnvelope envelope)
    {
        var name = $"handle {envelope.PayloadCase}";
        ActivityContext.TryParse(envelope.TraceParent, envelope.TraceState, isRemote: true, out var parent);
        var activity = Source.StartActivity(name, ActivityKind.Consumer, parent);
        if (activity is null && parent != default)
        {
            // Nobody exports traces here, but the calls that the handler makes still belong to the trace.
            activity = new Activity(name).SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags).Start();
        }

        activity?.SetTag("messaging.system", "redis");
        activity?.SetTag("messaging.destination.name", subscription.ProducerPrefix + "events");
        activity?.SetTag("messaging.message.id", envelope.Id);
        activity?.SetTag("gallery.subject", envelope.Subject);
        return activity;
    }

    private static string Reason(Exception exception)
    {
        var text = exception is RpcException rpc
            ? $"{rpc.StatusCode}: {rpc.Status.Detail}"
            : $"{exception.GetType().Name}: {exception.Message}";
        return text.Length <= LongestReason ? text : text[..LongestReason];
    }

    private async Task GiveUpAsync(
        EventSubscription subscription,
        Partition own,
        EventStream stream,
        StreamEntry entry,
        EventEnvelope envelope,
        int deliveries,
        string reason
    )
    {
        var owner = envelope.SubscriptionId.Length == 0 ? NoSubscription : envelope.SubscriptionId;
        if (await stream.MoveToDeadLettersAsync(EventSubscription.DeadLetters(own, owner), entry.Id, entry["p"], reason, deliveries))
        {
            metrics.GaveUp(subscription.ProducerPrefix);
            LogGaveUp(envelope.Id, envelope.Subject, envelope.PayloadCase, deliveries, reason);
        }
    }

    [LoggerMessage(200, LogLevel.Warning, "Event {EventId} about {Subject} ({Payload}) failed, delivery {Delivery}; again in {Delay}")]
    private partial void LogFailed(
        Exception exception,
        string eventId,
        string subject,
        EventEnvelope.PayloadOneofCase payload,
        int delivery,
        TimeSpan delay
    );

    [LoggerMessage(
        201,
        LogLevel.Error,
        "Event {EventId} about {Subject} ({Payload}) went to the dead letters after {Deliveries} deliveries: {Reason}"
    )]
    private partial void LogGaveUp(string eventId, string subject, EventEnvelope.PayloadOneofCase payload, int deliveries, string reason);
}
