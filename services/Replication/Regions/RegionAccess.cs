using System.Globalization;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;
using StackExchange.Redis;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Regions;

/// <summary>How an operator decided on a request.</summary>
/// <param name="State">APPROVED, DENIED or REVOKED.</param>
/// <param name="Reason">Why.</param>
/// <param name="ExpireTime">When an approval ends; null when it does not.</param>
/// <param name="Reviewer">Who decided.</param>
internal sealed record AccessDecision(V1.RegionAccessState State, string Reason, Timestamp? ExpireTime, Principal Reviewer);

/// <summary>Which subscriptions may use the restricted regions: keeps what was asked for and how it was decided.</summary>
internal sealed class RegionAccess(RedisStore redis, RegionRegistry regions, TimeProvider clock)
{
    /// <summary>The resource name of a request.</summary>
    public static string NameOf(string subscription, string region) => $"subscriptions/{subscription}/regionAccessRequests/{region}";

    /// <summary>Whether a subscription may use a region.</summary>
    public async Task<bool> IsAvailableAsync(string subscription, RegionOptions region, CancellationToken cancellationToken) =>
        !region.Restricted || await ReadAsync(subscription, region.Name, cancellationToken) is { State: V1.RegionAccessState.Approved };

    /// <summary>Refuses with LOCATION_NOT_AVAILABLE_FOR_RESOURCE_TYPE a region that the subscription may not use.</summary>
    public async Task RequireAvailableAsync(string subscription, RegionOptions region, CancellationToken cancellationToken)
    {
        if (await IsAvailableAsync(subscription, region, cancellationToken))
        {
            return;
        }

        var offered = new List<RegionOptions>();
        foreach (var other in regions.All)
        {
            if (await IsAvailableAsync(subscription, other, cancellationToken))
            {
                offered.Add(other);
            }
        }

        throw RegionRegistry.NotAvailable(
            region.Name,
            "is restricted and the subscription has no approval for it (RequestRegionAccess asks for one)",
            offered
        );
    }

    /// <summary>Asks for access; a request that is pending or approved is answered as it is.</summary>
    public async Task<V1.RegionAccessRequest> RequestAsync(
        string subscription,
        string region,
        string justification,
        Principal requester,
        CancellationToken cancellationToken
    )
    {
        while (true)
        {
            var stored = await ReadRecordAsync(subscription, region, cancellationToken);
            if (stored is not null && Now(stored.Value) is { State: V1.RegionAccessState.Pending or V1.RegionAccessState.Approved } open)
            {
                return open;
            }

            var request = new V1.RegionAccessRequest
            {
                Name = NameOf(subscription, region),
                Region = region,
                Justification = justification,
                State = V1.RegionAccessState.Pending,
                CreateTime = Timestamp.FromDateTimeOffset(clock.GetUtcNow()),
                Requester = Known(requester),
            };
            if (await TryPutAsync(subscription, stored, request, cancellationToken))
            {
                return request;
            }
        }
    }

    /// <summary>Decides a request; null when there is none.</summary>
    public async Task<V1.RegionAccessRequest?> ReviewAsync(
        string subscription,
        string region,
        AccessDecision decision,
        CancellationToken cancellationToken
    )
    {
        while (await ReadRecordAsync(subscription, region, cancellationToken) is { } stored)
        {
            var before = Now(stored.Value);
            if (before.State == decision.State && before.ReviewReason == decision.Reason && Equals(before.ExpireTime, decision.ExpireTime))
            {
                return before;
            }

            if (decision.State == V1.RegionAccessState.Revoked && before.State != V1.RegionAccessState.Approved)
            {
                throw GalleryError.InvalidParameter(
                    "decision",
                    $"Only an approval can be taken back, and the request is {before.State.ToString().ToLowerInvariant()}."
                );
            }

            var reviewed = stored.Value.Clone();
            reviewed.State = decision.State;
            reviewed.ReviewReason = decision.Reason;
            reviewed.ExpireTime = decision.ExpireTime;
            reviewed.Reviewer = Known(decision.Reviewer);
            reviewed.ReviewTime = Timestamp.FromDateTimeOffset(clock.GetUtcNow());
            if (await TryPutAsync(subscription, stored, reviewed, cancellationToken))
            {
                return reviewed;
            }
        }

        return null;
    }

    /// <summary>A page of a subscription's requests, newest first.</summary>
    public async Task<(IReadOnlyList<V1.RegionAccessRequest> Requests, string NextPageToken)> ListAsync(
        string subscription,
        PageRequest page,
        CancellationToken cancellationToken
    )
    {
        var index = await redis.ReadIndexAsync(IndexOf(subscription), page, cancellationToken);
        return (await ReadMembersAsync(index.Members, cancellationToken), index.NextPageToken);
    }

    /// <summary>A page of the requests of all subscriptions, newest first.</summary>
    public async Task<(IReadOnlyList<V1.RegionAccessRequest> Requests, string NextPageToken)> ListAllAsync(
        PageRequest page,
        CancellationToken cancellationToken
    )
    {
        // Each partition may hold the whole page.
        var parts = await Task.WhenAll(
            redis.Partitions.Select(partition => redis.ReadIndexAsync(IndexOfAll(partition), page, cancellationToken))
        );
        var members = parts.SelectMany(part => part.Members).Order(StringComparer.Ordinal).ToList();
        var shown = members.Take(page.Size).ToList();
        var more = members.Count > page.Size || parts.Any(part => part.NextPageToken.Length > 0);
        return (await ReadMembersAsync(shown, cancellationToken), more ? page.TokenAfter(shown[^1]) : "");
    }

    private async Task<IReadOnlyList<V1.RegionAccessRequest>> ReadMembersAsync(
        IReadOnlyList<string> members,
        CancellationToken cancellationToken
    )
    {
        var keys = members.Select(member => member.Split('|')).Select(parts => KeyOf(parts[1], parts[2])).ToList();
        var records = await redis.ReadManyAsync(keys, V1.RegionAccessRequest.Parser, cancellationToken);
        return [.. records.OfType<Stored<V1.RegionAccessRequest>>().Select(record => Now(record.Value))];
    }

    /// <summary>A request as it stands now: an approval may have ended since it was written.</summary>
    private V1.RegionAccessRequest Now(V1.RegionAccessRequest stored)
    {
        if (stored.State != V1.RegionAccessState.Approved || stored.ExpireTime is not { } end || end.ToDateTimeOffset() > clock.GetUtcNow())
        {
            return stored;
        }

        var ended = stored.Clone();
        ended.State = V1.RegionAccessState.Expired;
        return ended;
    }

    // Groups are the business of whoever decides on access at the time, and may be many.
    private static Principal Known(Principal principal)
    {
        var known = principal.Clone();
        known.GroupIds.Clear();
        return known;
    }

    private async Task<V1.RegionAccessRequest?> ReadAsync(string subscription, string region, CancellationToken cancellationToken) =>
        await ReadRecordAsync(subscription, region, cancellationToken) is { } stored ? Now(stored.Value) : null;

    private Task<Stored<V1.RegionAccessRequest>?> ReadRecordAsync(
        string subscription,
        string region,
        CancellationToken cancellationToken
    ) => redis.ReadAsync(KeyOf(subscription, region), V1.RegionAccessRequest.Parser, cancellationToken);

    private async Task<bool> TryPutAsync(
        string subscription,
        Stored<V1.RegionAccessRequest>? before,
        V1.RegionAccessRequest after,
        CancellationToken cancellationToken
    )
    {
        var key = KeyOf(subscription, after.Region);
        var changed = GalleryError.EtagMismatch(after.Name);
        var mutation = new RedisMutation(redis.PartitionOf(subscription));
        if (before is null)
        {
            mutation.RequireAbsent(key, () => changed);
        }
        else
        {
            var member = MemberOf(subscription, before.Value);
            mutation
                .RequireEtag(key, before.Etag, () => changed)
                .RemoveFromIndex(IndexOf(subscription), member)
                .RemoveFromIndex(IndexOfAll(mutation.Partition), member);
        }

        mutation
            .PutRecord(key, after, Etag.New())
            .AddToIndex(IndexOf(subscription), MemberOf(subscription, after))
            .AddToIndex(IndexOfAll(mutation.Partition), MemberOf(subscription, after))
            .AppendEvent(Changed(subscription, after));
        return await redis.TryExecuteAsync(mutation, changed, cancellationToken);
    }

    private static EventEnvelope Changed(string subscription, V1.RegionAccessRequest request) =>
        new()
        {
            Subject = request.Name,
            SubscriptionId = subscription,
            RegionAccessChanged = new RegionAccessChanged
            {
                Name = request.Name,
                Region = request.Region,
                State = request.State.ToString().ToLowerInvariant(),
                Reason = request.ReviewReason,
                ExpireTime = request.ExpireTime,
            },
        };

    // The index is read in the order of its bytes: what is left until a far day makes the newest first.
    private static string MemberOf(string subscription, V1.RegionAccessRequest request) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{long.MaxValue - request.CreateTime.ToDateTimeOffset().ToUnixTimeMilliseconds():D19}|{subscription}|{request.Region}"
        );

    private RedisKey KeyOf(string subscription, string region) =>
        redis.PartitionOf(subscription).Key("region-access", subscription, region);

    private static RedisKey IndexOfAll(Partition partition) => partition.Key("region-access-index-of-all");

    private RedisKey IndexOf(string subscription) => redis.PartitionOf(subscription).Key("region-access-index", subscription);
}
