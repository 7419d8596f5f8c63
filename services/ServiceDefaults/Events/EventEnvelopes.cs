using System.Diagnostics;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.ServiceDefaults.Events;

/// <summary>What every envelope holds besides its payload.</summary>
internal static class EventEnvelopes
{
    /// <summary>Fills in what the teller left empty.</summary>
    public static EventEnvelope Complete(EventEnvelope envelope, string source, TimeProvider clock)
    {
        var complete = envelope.Clone();
        complete.Time ??= Timestamp.FromDateTimeOffset(clock.GetUtcNow());
        if (complete.Id.Length == 0)
        {
            complete.Id = Guid.NewGuid().ToString();
        }

        if (complete.Source.Length == 0)
        {
            complete.Source = source;
        }

        if (complete.SubscriptionId.Length == 0)
        {
            complete.SubscriptionId = SubscriptionOf(complete.Subject);
        }

        if (complete.TraceParent.Length == 0 && Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } current)
        {
            complete.TraceParent = id;
            complete.TraceState = current.TraceStateString ?? "";
        }

        return complete;
    }

    /// <summary>ABORTED: the event was delivered to another consumer meanwhile.</summary>
    public static RpcException DeliveryLost() =>
        GalleryError.Create(
            StatusCode.Aborted,
            ErrorReason.OperationNotAllowed,
            "The event was delivered to another consumer meanwhile; that one handles it."
        );

    // Whatever an event is about lies below a subscription, also what has no name of its own kind.
    private static string SubscriptionOf(string subject)
    {
        var segments = subject.Split('/', 3);
        return segments.Length >= 2 && segments[0] == "subscriptions" && Guid.TryParseExact(segments[1], "D", out var id)
            ? id.ToString()
            : "";
    }
}
