using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Redis;
using Grpc.Core;

namespace Gallery.Catalog.Activity;

/// <summary>A change that a caller may make and that is being carried out.</summary>
/// <param name="Call">The call it came with.</param>
/// <param name="Caller">Who makes it.</param>
/// <param name="Name">The resource.</param>
/// <param name="Action">The action that was allowed.</param>
/// <param name="RequestId">The caller's request id; may be empty.</param>
/// <param name="ValidateOnly">Check everything, change nothing.</param>
/// <param name="Memo">Remembers the answer; null when there is no request id, or nothing changes.</param>
/// <param name="Partition">The subscription's partition.</param>
internal sealed record Change(
    ServerCallContext Call,
    Caller Caller,
    ResourceName Name,
    string Action,
    string RequestId,
    bool ValidateOnly,
    RequestMemo? Memo,
    Partition Partition
)
{
    /// <summary>Names the operation in the activity log.</summary>
    public string OperationId { get; } = Guid.NewGuid().ToString();

    /// <summary>Ends when the caller gives up.</summary>
    public CancellationToken CancellationToken => Call.CancellationToken;

    /// <summary>The subscription's id.</summary>
    public string SubscriptionId => Name.SubscriptionId;
}
