using Gallery.Billing.Charges;
using Gallery.Billing.Regions;
using Gallery.Contracts.Billing.V1;
using Gallery.ServiceDefaults.Access;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.ServiceDefaults.Paging;
using Grpc.Core;

namespace Gallery.Billing.Usage;

/// <summary>Shows usage intervals and egress records.</summary>
internal sealed class UsageGrpcService(UsageStore usage, IAccessChecker access) : UsageService.UsageServiceBase
{
    private const string ReadAction = "Gallery.Billing/usage/read";

    // Of a list with a filter that few entries pass, one call reads so many pages at the most; the next call goes on.
    private const int MostReads = 10;

    public override async Task<ListUsageIntervalsResponse> ListUsageIntervals(ListUsageIntervalsRequest request, ServerCallContext context)
    {
        var filter = Filter.Read(request.Parent, request.Version, request.Region, request.Month);
        var page = PageRequest.From(request.PageSize, request.PageToken, $"{filter.Listing("usageIntervals")}|{request.OpenOnly}");
        await access.RequireAsync(context, ReadAction, filter.Subscription.Value, context.CancellationToken);

        var response = new ListUsageIntervalsResponse();
        response.NextPageToken = await CollectAsync(
            page,
            page.After,
            (after, count) =>
                usage.ReadIntervalsAsync(
                    filter.Subscription.SubscriptionId,
                    filter.Version,
                    after,
                    filter.Before,
                    count,
                    context.CancellationToken
                ),
            interval =>
                filter.HasRegion(interval.Region)
                && (!request.OpenOnly || interval.EndTime is null)
                && (filter.Month is not { } month || interval.EndTime is null || interval.EndTime.ToDateTimeOffset() > month.Start),
            response.UsageIntervals
        );
        return response;
    }

    public override async Task<ListEgressRecordsResponse> ListEgressRecords(ListEgressRecordsRequest request, ServerCallContext context)
    {
        var filter = Filter.Read(request.Parent, request.Version, request.Region, request.Month);
        var page = PageRequest.From(request.PageSize, request.PageToken, filter.Listing("egressRecords"));
        await access.RequireAsync(context, ReadAction, filter.Subscription.Value, context.CancellationToken);

        var response = new ListEgressRecordsResponse();
        var first = filter.Month is { } month ? UsageStore.Ticks(month.Start) : "";
        response.NextPageToken = await CollectAsync(
            page,
            page.After.Length == 0 ? first : page.After,
            (after, count) =>
                usage.ReadEgressAsync(
                    filter.Subscription.SubscriptionId,
                    filter.Version,
                    after,
                    filter.Before,
                    count,
                    context.CancellationToken
                ),
            record => filter.HasRegion(record.TargetRegion),
            response.EgressRecords
        );
        return response;
    }

    /// <summary>Reads on until the page is full; answers the token of the page that follows.</summary>
    private static async Task<string> CollectAsync<T>(
        PageRequest page,
        string after,
        Func<string, int, Task<IReadOnlyList<(string Member, T Value)>>> read,
        Func<T, bool> wanted,
        ICollection<T> into
    )
    {
        for (var reads = 0; reads < MostReads; reads++)
        {
            var found = await read(after, page.Size + 1);
            foreach (var (member, value) in found.Where(each => wanted(each.Value)))
            {
                if (into.Count == page.Size)
                {
                    return page.TokenAfter(after);
                }

                into.Add(value);
                after = member;
            }

            if (found.Count <= page.Size)
            {
                return "";
            }

            after = found[^1].Member;
        }

        return page.TokenAfter(after);
    }

    /// <summary>What both lists can be narrowed by.</summary>
    private sealed record Filter(ResourceName Subscription, ResourceName? Version, string Region, BillingMonth? Month)
    {
        /// <summary>Where to stop reading.</summary>
        public string Before => Month is { } month ? UsageStore.Ticks(month.End) : "";

        public static Filter Read(string parent, string version, string region, string month)
        {
            var violations = new Violations();
            if (!ResourceName.TryParse(parent, ResourceKind.Subscription, out var subscription))
            {
                violations.Add("parent", ResourceName.Describe(ResourceKind.Subscription));
            }

            ResourceName? ofVersion = null;
            if (
                version.Length > 0
                && !(
                    ResourceName.TryParse(version, out ofVersion)
                    && ofVersion.Kind is ResourceKind.ImageVersion or ResourceKind.ApplicationVersion
                )
            )
            {
                violations.Add("version", ResourceName.Describe(ResourceKind.ImageVersion, ResourceKind.ApplicationVersion));
            }
            else if (ofVersion is not null && subscription is not null)
            {
                violations.AddIf(
                    ofVersion.SubscriptionId != subscription.SubscriptionId,
                    "version",
                    $"Must lie within the parent '{subscription}'."
                );
            }

            var inMonth = default(BillingMonth);
            violations.AddIf(month.Length > 0 && !BillingMonth.TryParse(month, out inMonth), "month", BillingMonth.Accepted);
            violations.ThrowIfAny();
            return new Filter(subscription!, ofVersion, RegionMap.Canonical(region), month.Length == 0 ? null : inMonth);
        }

        public string Listing(string collection) => string.Join('|', collection, Subscription.Key, Version?.Key, Region, Month);

        public bool HasRegion(string region) => Region.Length == 0 || region == Region;
    }
}
