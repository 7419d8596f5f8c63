using System.Globalization;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Redis;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Gallery.Catalog.Quotas;

/// <summary>Counts what a subscription uses, in the same step as what is counted comes or goes: the counts are exact.</summary>
internal sealed class Quota(IOptions<LimitsOptions> options, RedisStore store)
{
    /// <summary>The limits of a subscription.</summary>
    /// <param name="subscriptionId">The subscription.</param>
    public Limits LimitsOf(string subscriptionId) => options.Value.For(subscriptionId);

    /// <summary>Refuses the mutation when one more would be too many.</summary>
    public void RequireRoom(RedisMutation mutation, string subscriptionId, UsageMetric metric, string location)
    {
        var limit = LimitOf(subscriptionId, metric);
        mutation.RequireCounterBelow(
            mutation.Partition.Usage(subscriptionId),
            Field(metric, location),
            limit,
            current =>
                GalleryError.QuotaExceeded(
                    NameOf(metric),
                    limit,
                    long.Parse(current, CultureInfo.InvariantCulture),
                    $"subscriptions/{subscriptionId}/locations/{location}"
                )
        );
    }

    /// <summary>Counts one more, or one less.</summary>
    public static void Count(RedisMutation mutation, string subscriptionId, UsageMetric metric, string location, int by) =>
        mutation.Increment(mutation.Partition.Usage(subscriptionId), Field(metric, location), by);

    /// <summary>What a subscription uses of each metric in each of the regions, in their order.</summary>
    public async Task<IReadOnlyList<Usage>> ReadAsync(
        string subscriptionId,
        IEnumerable<string> locations,
        CancellationToken cancellationToken
    )
    {
        var rows = locations.SelectMany(location => Metrics.Select(metric => (metric, location))).ToArray();
        var fields = rows.Select(row => (RedisValue)Field(row.metric, row.location)).ToArray();
        if (fields.Length == 0)
        {
            return [];
        }

        var counts = await store
            .Database.HashGetAsync(store.PartitionOf(subscriptionId).Usage(subscriptionId), fields)
            .WaitAsync(cancellationToken);
        return
        [
            .. rows.Select(
                (row, index) =>
                    new Usage
                    {
                        Metric = row.metric,
                        Location = row.location,
                        CurrentValue = (long)counts[index],
                        Limit = LimitOf(subscriptionId, row.metric),
                    }
            ),
        ];
    }

    private static readonly UsageMetric[] Metrics =
    [
        UsageMetric.Galleries,
        UsageMetric.ImageDefinitions,
        UsageMetric.ImageVersions,
        UsageMetric.ApplicationVersions,
    ];

    private static string Field(UsageMetric metric, string location) => $"{NameOf(metric)}:{location}";

    private static string NameOf(UsageMetric metric) =>
        metric switch
        {
            UsageMetric.Galleries => "galleries",
            UsageMetric.ImageDefinitions => "imageDefinitions",
            UsageMetric.ImageVersions => "imageVersions",
            UsageMetric.ApplicationVersions => "applicationVersions",
            _ => throw new ArgumentOutOfRangeException(nameof(metric)),
        };

    private long LimitOf(string subscriptionId, UsageMetric metric)
    {
        var limits = LimitsOf(subscriptionId);
        return metric switch
        {
            UsageMetric.Galleries => limits.Galleries,
            UsageMetric.ImageDefinitions => limits.ImageDefinitions,
            UsageMetric.ImageVersions => limits.ImageVersions,
            UsageMetric.ApplicationVersions => limits.ApplicationVersions,
            _ => throw new ArgumentOutOfRangeException(nameof(metric)),
        };
    }
}

/// <summary>Registers quotas.</summary>
internal static class QuotaExtensions
{
    public static WebApplicationBuilder AddQuotas(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<LimitsOptions>().BindConfiguration("Limits").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<Quota>();
        return builder;
    }
}
