using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Catalog.Activity;

/// <summary>Makes entries of the activity log (semantics 7.2). Pure.</summary>
internal static class ActivityEntries
{
    private const int LongestAddress = 64;

    /// <summary>A change that is done with its call.</summary>
    /// <param name="change">The change.</param>
    /// <param name="outcome"><c>Created</c>, <c>OK</c> or <c>NoContent</c>.</param>
    /// <param name="now">The time.</param>
    public static ActivityLogEntry Done(Change change, string outcome, DateTimeOffset now) =>
        Entry(change, ActivityEventName.EndRequest, ActivityStatus.Succeeded, outcome, ActivityLevel.Informational, now);

    /// <summary>A change that was accepted and goes on after its call.</summary>
    public static ActivityLogEntry Begun(Change change, string outcome, DateTimeOffset now) =>
        Entry(change, ActivityEventName.BeginRequest, ActivityStatus.Started, outcome, ActivityLevel.Informational, now);

    /// <summary>A change that was refused.</summary>
    public static ActivityLogEntry Refused(Change change, RpcException refusal, DateTimeOffset now)
    {
        var reason = GalleryError.ReasonOf(refusal).ToString();
        var entry = Entry(change, ActivityEventName.EndRequest, ActivityStatus.Failed, reason, ActivityLevel.Error, now);
        entry.Description = refusal.Status.Detail;
        entry.Properties["statusCode"] = refusal.StatusCode.ToString();
        return entry;
    }

    /// <summary>The end of a change that went on after its call.</summary>
    /// <param name="begun">Its beginning.</param>
    /// <param name="succeeded">How it ended.</param>
    /// <param name="details">Why, when it failed.</param>
    /// <param name="now">The time.</param>
    public static ActivityLogEntry Ended(ActivityLogEntry begun, bool succeeded, string details, DateTimeOffset now)
    {
        var entry = begun.Clone();
        entry.Id = Guid.NewGuid().ToString();
        entry.EventName = ActivityEventName.EndRequest;
        entry.Status = succeeded ? ActivityStatus.Succeeded : ActivityStatus.Failed;
        entry.SubStatus = succeeded ? "OK" : "ReplicationFailed";
        entry.Level = succeeded ? ActivityLevel.Informational : ActivityLevel.Error;
        entry.EventTime = Timestamp.FromDateTimeOffset(now);
        entry.Description = details;
        entry.Request = null;
        return entry;
    }

    /// <summary>The type of a resource: <c>Microsoft.Compute/galleries/images/versions</c>.</summary>
    public static string TypeOf(ResourceKind kind) =>
        kind switch
        {
            ResourceKind.Gallery => "Microsoft.Compute/galleries",
            ResourceKind.Image => "Microsoft.Compute/galleries/images",
            ResourceKind.ImageVersion => "Microsoft.Compute/galleries/images/versions",
            ResourceKind.Application => "Microsoft.Compute/galleries/applications",
            ResourceKind.ApplicationVersion => "Microsoft.Compute/galleries/applications/versions",
            ResourceKind.Snapshot => "Microsoft.Compute/snapshots",
            ResourceKind.ResourceGroup => "Microsoft.Resources/resourceGroups",
            _ => "Microsoft.Resources/subscriptions",
        };

    private static ActivityLogEntry Entry(
        Change change,
        ActivityEventName name,
        ActivityStatus status,
        string outcome,
        ActivityLevel level,
        DateTimeOffset now
    ) =>
        new()
        {
            Id = Guid.NewGuid().ToString(),
            CorrelationId = System.Diagnostics.Activity.Current?.TraceId.ToHexString() ?? change.OperationId,
            OperationId = change.OperationId,
            OperationName = change.Action,
            Category = ActivityCategory.Administrative,
            EventName = name,
            Status = status,
            SubStatus = outcome,
            Level = level,
            EventTime = Timestamp.FromDateTimeOffset(now),
            Caller = change.Caller.Principal,
            Authorization = new ActivityAuthorization { Action = change.Action, Scope = change.Name.Value },
            Resource = change.Name.Value,
            ResourceType = TypeOf(change.Name.Kind),
            ResourceGroup = change.Name.ResourceGroup ?? "",
            SubscriptionId = change.SubscriptionId,
            Request = new ActivityRequest
            {
                ClientRequestId = change.RequestId,
                ClientIpAddress = AddressOf(change.Call.Peer),
                Method = change.Call.Method,
            },
        };

    // "ipv4:127.0.0.1:51234": the address without scheme and port.
    private static string AddressOf(string peer)
    {
        var start = peer.IndexOf(':', StringComparison.Ordinal) + 1;
        var end = peer.LastIndexOf(':');
        var address = end > start ? peer[start..end] : peer;
        return address.Length <= LongestAddress ? address : address[..LongestAddress];
    }
}
