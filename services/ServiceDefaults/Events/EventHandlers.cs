using System.Diagnostics.CodeAnalysis;
using Gallery.Contracts.Events.V1;
using StackExchange.Redis;

namespace Gallery.ServiceDefaults.Events;

/// <summary>
/// Handles the events of a producer. An event is delivered at least once, so handling it twice must change nothing. An exception is a
/// failed delivery: the event comes again after a growing pause, and goes to the dead letters when it failed too often.
/// </summary>
[SuppressMessage("Naming", "CA1711", Justification = "It handles events; it is no delegate.")]
public interface IEventHandler : IEventDeliveryHandler
{
    /// <summary>Handles one event.</summary>
    /// <param name="envelope">The event.</param>
    /// <param name="cancellationToken">Ends when the service stops or the handler takes too long.</param>
    Task HandleAsync(EventEnvelope envelope, CancellationToken cancellationToken);

    /// <inheritdoc />
    Task IEventDeliveryHandler.HandleAsync(EventDelivery delivery, CancellationToken cancellationToken) =>
        HandleAsync(delivery.Event, cancellationToken);
}

/// <summary>
/// Handles the deliveries of a producer's events and may take a delivery out of the queue in the same step as its effect, with
/// <see cref="Redis.RedisMutation.Acknowledge"/>. Most handlers are idempotent and need <see cref="IEventHandler"/> only.
/// </summary>
public interface IEventDeliveryHandler
{
    /// <summary>Handles one delivery.</summary>
    /// <param name="delivery">The delivery.</param>
    /// <param name="cancellationToken">Ends when the service stops or the handler takes too long.</param>
    Task HandleAsync(EventDelivery delivery, CancellationToken cancellationToken);
}

/// <summary>
/// An event in the hands of one consumer. A delivery is a fencing token: as soon as another consumer takes over, it is void.
/// </summary>
/// <param name="Event">The event.</param>
/// <param name="Stream">The stream it lies in.</param>
/// <param name="Group">The consuming service.</param>
/// <param name="Consumer">The process that holds it.</param>
/// <param name="EntryId">Its id in the stream.</param>
/// <param name="DeliveryCount">How often it was delivered, this time included.</param>
public sealed record EventDelivery(
    EventEnvelope Event,
    RedisKey Stream,
    string Group,
    string Consumer,
    RedisValue EntryId,
    int DeliveryCount
);
