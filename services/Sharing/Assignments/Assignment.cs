using Gallery.Contracts.Sharing.V1;
using Gallery.Sharing.Access;

namespace Gallery.Sharing.Assignments;

/// <summary>An assignment to be stored: the record that callers see, and the grant that decisions look for.</summary>
/// <param name="Record">The record.</param>
/// <param name="Grant">Its grant.</param>
internal sealed record Assignment(RoleAssignment Record, Grant Grant)
{
    /// <summary>The subscription, a UUID in lower case.</summary>
    public string SubscriptionId => Grant.Scope.SubscriptionId;

    /// <summary>The id, a UUID in lower case.</summary>
    public string Id => Record.Uid;
}
