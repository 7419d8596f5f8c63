using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.TestKit;
using Google.Rpc;
using Grpc.Core;

namespace Gallery.Catalog.Tests;

[Collection(CatalogCollection.Name)]
public sealed class QuotaTests(CatalogFixture fixture)
{
    [Fact]
    public async Task Usage_is_listed_by_region_and_metric_with_the_limits_of_the_seed()
    {
        var here = new Scenario(fixture);
        await here.CreateReadyVersionAsync();
        var all = (await here.Quotas.ListUsagesAsync(new ListUsagesRequest { Parent = $"subscriptions/{here.Subscription}" })).Usages;
        Assert.Equal(16, all.Count);
        Assert.Equal(
            [
                ("westus", UsageMetric.Galleries, 1L, 100L),
                ("westus", UsageMetric.ImageDefinitions, 1L, 1000L),
                ("westus", UsageMetric.ImageVersions, 1L, 10000L),
                ("westus", UsageMetric.ApplicationVersions, 0L, 300L),
            ],
            all.Take(4).Select(usage => (usage.Location, usage.Metric, usage.CurrentValue, usage.Limit))
        );
        Assert.All(all.Skip(4), usage => Assert.Equal(0, usage.CurrentValue));
        await Refused.WithAsync(
            () => here.Quotas.ListUsagesAsync(new ListUsagesRequest { Parent = here.Group }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        await Refused.WithAsync(
            () =>
                here.Quotas.ListUsagesAsync(new ListUsagesRequest { Parent = $"subscriptions/{here.Subscription}", Location = "atlantis" }),
            StatusCode.InvalidArgument,
            ErrorReason.LocationNotAvailableForResourceType
        );
    }

    [Fact]
    public async Task Quotas_are_exact_under_parallel_creators_and_free_again_after_deletions()
    {
        var here = new Scenario(fixture, Scenario.SmallSubscription);
        var galleries = await Winners(12, number => here.CreateGalleryAsync($"g{number}"));
        Assert.Equal(3, galleries.Count);
        Assert.Equal(3, await here.UsageAsync(UsageMetric.Galleries));

        // Another region has a quota of its own.
        await here.CreateGalleryAsync("east", gallery => gallery.Location = "eastus");

        var definitions = await Winners(8, number => here.CreateDefinitionAsync(galleries[number % 3].Name, $"d{number}"));
        Assert.Equal(3, definitions.Count);
        var versions = await Winners(12, number => here.CreateVersionAsync(definitions[number % 3].Name, $"1.0.{number}"));
        Assert.Equal(3, versions.Count);

        var refused = await Refused.WithAsync(
            () => here.CreateVersionAsync(definitions[0].Name, "9.9.9"),
            StatusCode.ResourceExhausted,
            ErrorReason.QuotaExceeded
        );
        Assert.Equal(("3", "3", "imageVersions"), (refused.Metadata["limit"], refused.Metadata["current"], refused.Metadata["metric"]));
        Assert.Equal(
            $"subscriptions/{here.Subscription}/locations/westus",
            Assert.Single(refused.Detail<QuotaFailure>().Violations).Subject
        );

        var validate = here.NewVersion(definitions[0].Name, "9.9.9");
        validate.ValidateOnly = true;
        await Refused.WithAsync(
            () => here.Versions.CreateImageVersionAsync(validate),
            StatusCode.ResourceExhausted,
            ErrorReason.QuotaExceeded
        );

        // A version being deleted counts until it is gone.
        var deleting = (
            await here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = versions[0].Name })
        ).ImageVersion;
        await Refused.WithAsync(
            () => here.CreateVersionAsync(definitions[0].Name, "9.9.9"),
            StatusCode.ResourceExhausted,
            ErrorReason.QuotaExceeded
        );
        await here.RetireAsync(deleting);
        await here.HandledAsync();
        await here.CreateVersionAsync(definitions[0].Name, "9.9.9");
        Assert.Equal(3, await here.UsageAsync(UsageMetric.ImageVersions));
    }

    private static async Task<IReadOnlyList<T>> Winners<T>(int contenders, Func<int, Task<T>> create)
        where T : class
    {
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, contenders)
                .Select(async number =>
                {
                    try
                    {
                        return await create(number);
                    }
                    catch (RpcException error) when (error.StatusCode == StatusCode.ResourceExhausted)
                    {
                        return null;
                    }
                })
        );
        return [.. outcomes.OfType<T>()];
    }
}
