using Gallery.Contracts.Events.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Gallery.Sharing.Access;
using Gallery.Sharing.Roles;
using Microsoft.Extensions.Options;

namespace Gallery.Sharing.Assignments;

/// <summary>Keeps role assignments, and in the same step what decisions are made from.</summary>
internal sealed class AssignmentStore(RedisStore store, IOptions<AssignmentOptions> options)
{
    /// <summary>The mutation that creates an assignment, with its checks. <paramref name="checkOnly"/> leaves the writes out.</summary>
    public RedisMutation Create(Assignment assignment, bool checkOnly = false)
    {
        var subscriptionId = assignment.SubscriptionId;
        var record = SharingKeys.Assignment(store, subscriptionId, assignment.Id);
        var index = SharingKeys.Assignments(store, subscriptionId);
        var grants = SharingKeys.Grants(store, subscriptionId);
        var subscription = $"subscriptions/{subscriptionId}";
        var limit = options.Value.MaxPerSubscription;
        var partition = store.PartitionOf(subscriptionId);
        var mutation = new RedisMutation(partition)
            .RequirePresent(SharingKeys.Subscription(store, subscriptionId), () => GalleryError.NotFound("subscription", subscription))
            .RequireAbsent(record, () => GalleryError.AlreadyExists("role assignment", assignment.Record.Name))
            .RequireFieldAbsent(
                grants,
                assignment.Grant.Key,
                earlier => GalleryError.AlreadyExists("role assignment", AssignmentName.Of(subscriptionId, earlier))
            )
            .RequireCountBelow(
                index,
                limit,
                count => GalleryError.QuotaExceeded("role assignments", limit, long.Parse(count, null), subscription)
            );
        return checkOnly
            ? mutation
            : mutation
                .PutRecord(record, assignment.Record, assignment.Record.Etag)
                .AddToIndex(index, assignment.Id)
                .SetHashField(grants, assignment.Grant.Key, assignment.Id)
                .Increment(SharingKeys.Holders(store, subscriptionId), assignment.Grant.Holder.Key, 1)
                .AddToIndex(SharingKeys.Held(partition, assignment.Grant.Holder), HeldMember(assignment))
                .AppendEvent(Changed(assignment));
    }

    /// <summary>The mutation that deletes an assignment as it was read.</summary>
    public RedisMutation Delete(Assignment assignment, bool checkOnly = false)
    {
        var subscriptionId = assignment.SubscriptionId;
        var record = SharingKeys.Assignment(store, subscriptionId, assignment.Id);
        var partition = store.PartitionOf(subscriptionId);
        var mutation = new RedisMutation(partition)
            .RequirePresent(record, () => GalleryError.NotFound("role assignment", assignment.Record.Name))
            .RequireEtag(record, assignment.Record.Etag, () => GalleryError.EtagMismatch(assignment.Record.Name));
        return checkOnly
            ? mutation
            : mutation
                .DeleteKey(record)
                .RemoveFromIndex(SharingKeys.Assignments(store, subscriptionId), assignment.Id)
                .RemoveHashField(SharingKeys.Grants(store, subscriptionId), assignment.Grant.Key)
                .Increment(SharingKeys.Holders(store, subscriptionId), assignment.Grant.Holder.Key, -1)
                .RemoveFromIndex(SharingKeys.Held(partition, assignment.Grant.Holder), HeldMember(assignment))
                .AppendEvent(Changed(assignment));
    }

    /// <summary>Reads an assignment; null when there is none.</summary>
    public async Task<Assignment?> FindAsync(AssignmentName name, CancellationToken cancellationToken)
    {
        var key = SharingKeys.Assignment(store, name.Subscription.SubscriptionId, name.Id);
        return await store.ReadAsync(key, RoleAssignment.Parser, cancellationToken) is { } stored ? FromRecord(stored.Value) : null;
    }

    /// <summary>Reads a page of a subscription's assignments.</summary>
    public async Task<(IReadOnlyList<Assignment> Assignments, string NextPageToken)> ListAsync(
        string subscriptionId,
        PageRequest page,
        CancellationToken cancellationToken
    )
    {
        var index = await store.ReadIndexAsync(SharingKeys.Assignments(store, subscriptionId), page, cancellationToken);
        var records = await store.ReadManyAsync(
            [.. index.Members.Select(id => SharingKeys.Assignment(store, subscriptionId, id))],
            RoleAssignment.Parser,
            cancellationToken
        );
        // Between the two reads an assignment may have been deleted.
        return ([.. records.OfType<Stored<RoleAssignment>>().Select(stored => FromRecord(stored.Value))], index.NextPageToken);
    }

    // Records were checked before they were stored, and roles are never taken away.
    private static Assignment FromRecord(RoleAssignment record) =>
        ResourceName.TryParse(record.Scope, out var scope) && RoleCatalog.TryFind(record.RoleDefinition, out var role)
            ? new Assignment(record, new Grant(new Holder(record.PrincipalTenantId, record.PrincipalId), role, scope))
            : throw new InvalidOperationException($"The stored role assignment '{record.Name}' can't be read.");

    private static string HeldMember(Assignment assignment) => $"{assignment.SubscriptionId}/{assignment.Id}";

    private static EventEnvelope Changed(Assignment assignment) =>
        new()
        {
            Subject = assignment.Record.Name,
            SubscriptionId = assignment.SubscriptionId,
            AccessChanged = new AccessChanged { Scope = assignment.Record.Scope },
        };
}
