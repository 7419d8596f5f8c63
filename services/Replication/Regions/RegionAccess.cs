using System.Globalization;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Paging;
using Gallery.ServiceDefaults.Redis;
using Google.Protobuf.WellKnownTypes;
using StackExchange.Redis;
using V1 = Gallery.Contracts.Replication.V1;

namespace Gallery.Replication.Regions;

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
        CancellationToken cancellationToken
    )
    {
        while (true)
        {
            var stored = await ReadRecordAsync(subscription, region, cancellationToken);
            if (stored is { Value.State: V1.RegionAccessState.Pending or V1.RegionAccessState.Approved })
            {
                return stored.Value;
            }

            var request = new V1.RegionAccessRequest
            {
                Name = NameOf(subscription, region),
                Region = region,
                Justification = justification,
                State = V1.RegionAccessState.Pending,
                CreateTime = Timestamp.FromDateTimeOffset(clock.GetUtcNow()),
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
        V1.RegionAccessState decision,
        CancellationToken cancellationToken
    )
    {
        while (await ReadRecordAsync(subscription, region, cancellationToken) is { } stored)
        {
            if (stored.Value.State == decision)
            {
                return stored.Value;
            }

            var reviewed = stored.Value.Clone();
            reviewed.State = decision;
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
        var keys = index
            .Members.Select(member => KeyOf(subscription, member[(member.IndexOf('|', StringComparison.Ordinal) + 1)..]))
            .ToList();
        var records = await redis.ReadManyAsync(keys, V1.RegionAccessRequest.Parser, cancellationToken);
        return ([.. records.OfType<Stored<V1.RegionAccessRequest>>().Select(record => record.Value)], index.NextPageToken);
    }

    private async Task<V1.RegionAccessRequest?> ReadAsync(string subscription, string region, CancellationToken cancellationToken) =>
        (await ReadRecordAsync(subscription, region, cancellationToken))?.Value;

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
            mutation.RequireEtag(key, before.Etag, () => changed).RemoveFromIndex(IndexOf(subscription), MemberOf(before.Value));
        }

        mutation.PutRecord(key, after, Etag.New()).AddToIndex(IndexOf(subscription), MemberOf(after));
        return await redis.TryExecuteAsync(mutation, changed, cancellationToken);
    }

    // The index is read in the order of its bytes: what is left until a far day makes the newest first.
    private static string MemberOf(V1.RegionAccessRequest request) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{long.MaxValue - request.CreateTime.ToDateTimeOffset().ToUnixTimeMilliseconds():D19}|{request.Region}"
        );

    private RedisKey KeyOf(string subscription, string region) =>
        redis.PartitionOf(subscription).Key("region-access", subscription, region);

    private RedisKey IndexOf(string subscription) => redis.PartitionOf(subscription).Key("region-accesses", subscription);
}
