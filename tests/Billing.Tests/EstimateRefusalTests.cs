using Gallery.Contracts.Billing.V1;
using Gallery.Contracts.Common.V1;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Billing.Tests;

[Collection("billing")]
public sealed class EstimateRefusalTests(BillingFixture fixture)
{
    [Fact]
    public async Task An_unknown_region_is_refused_with_those_there_are()
    {
        foreach (
            var spoil in new Action<EstimateCostRequest>[]
            {
                request => request.SourceRegion = "mars",
                request => request.TargetRegions[0].Region = "mars",
                request => request.ReplicatedRegions.Add("mars"),
            }
        )
        {
            var refused = await RefusedAsync(spoil, StatusCode.InvalidArgument, ErrorReason.LocationNotAvailableForResourceType);
            Assert.Contains("'mars'", refused.Message, StringComparison.Ordinal);
            Assert.All(ScriptedRegions.Regions, region => Assert.Contains(region.Name, refused.Message, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Zrs_takes_three_zones()
    {
        var refused = await RefusedAsync(
            request =>
                request.TargetRegions.Add(new EstimatedRegion { Region = "westus", StorageAccountType = StorageAccountType.StandardZrs }),
            StatusCode.FailedPrecondition,
            ErrorReason.StorageAccountTypeNotSupported
        );

        Assert.Equal("westus", refused.Metadata["location"]);
    }

    [Fact]
    public async Task Values_out_of_range_are_refused_by_name()
    {
        await FieldAsync("parent", request => request.Parent = "x");
        await FieldAsync("occupied_size_bytes", request => request.OccupiedSizeBytes = -1);
        await FieldAsync("occupied_size_bytes", request => request.OccupiedSizeBytes = long.MaxValue);
        await FieldAsync("source_region", request => request.SourceRegion = "");
        await FieldAsync("target_regions", request => request.TargetRegions.Clear());
        await FieldAsync("target_regions[0].region", request => request.TargetRegions[0].Region = "");
        await FieldAsync("target_regions[1].region", request => request.TargetRegions.Add(new EstimatedRegion { Region = "EAST us" }));
        await FieldAsync("target_regions[0].replica_count", request => request.TargetRegions[0].ReplicaCount = 101);
        await FieldAsync("target_regions[0].replica_count", request => request.TargetRegions[0].ReplicaCount = int.MinValue);
        await FieldAsync(
            "target_regions[0].storage_account_type",
            request => request.TargetRegions[0].StorageAccountType = (StorageAccountType)9
        );
        await FieldAsync("price_time", request => request.PriceTime = new Timestamp { Seconds = long.MaxValue });
        await FieldAsync("price_time", request => request.PriceTime = new Timestamp { Nanos = -1 });
        await FieldAsync("price_time", request => request.PriceTime = new Timestamp { Seconds = 0 });
        await FieldAsync("version", request => request.Version = "x", withVersion: true);
        await FieldAsync(
            "version",
            request => request.Version = BillingFixture.VersionOf(BillingFixture.NewSubscription()),
            withVersion: true
        );
        await FieldAsync("source_region", request => request.SourceRegion = "eastus", withVersion: true);
        await FieldAsync("replicated_regions", request => request.ReplicatedRegions.Add("eastus"), withVersion: true);
        await FieldAsync("occupied_size_bytes", request => request.ClearSubject());
        await FieldAsync(
            "target_regions",
            request =>
                request.TargetRegions.AddRange(Enumerable.Range(0, 100).Select(number => new EstimatedRegion { Region = $"r{number}" }))
        );

        async Task FieldAsync(string field, Action<EstimateCostRequest> spoil, bool withVersion = false)
        {
            var refused = await RefusedAsync(spoil, StatusCode.InvalidArgument, ErrorReason.InvalidParameter, withVersion);
            Assert.Equal([field], refused.Fields.Distinct());
        }
    }

    [Fact]
    public async Task An_unknown_version_is_not_found()
    {
        var refused = await RefusedAsync(_ => { }, StatusCode.NotFound, ErrorReason.ResourceNotFound, withVersion: true);

        Assert.Contains("1.0.0", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Estimates_need_the_right_to_read_them_and_the_version()
    {
        var request = Request(withVersion: true);
        await Refused.WithAsync(
            () => fixture.Estimates(TestPrincipal.OtherOwner).EstimateCostAsync(request),
            StatusCode.PermissionDenied,
            ErrorReason.AuthorizationFailed
        );

        var before = fixture.Access.Decide;
        fixture.Access.Decide = (principal, action, resource) =>
            !(resource == request.Version && action.EndsWith("versions/read", StringComparison.Ordinal))
            && before(principal, action, resource);
        await Refused.WithAsync(
            () => fixture.Estimates().EstimateCostAsync(request),
            StatusCode.PermissionDenied,
            ErrorReason.LinkedAuthorizationFailed
        );
        fixture.Access.Decide = before;
    }

    [Fact]
    public async Task Without_replication_the_configured_regions_count()
    {
        await using var cold = await fixture.StartAsync(builder => builder.WithPeer("replication", "http://127.0.0.1:1"));
        await Refused.WithAsync(
            () => new EstimateService.EstimateServiceClient(cold.ChannelAs(TestPrincipal.Reader)).EstimateCostAsync(Request()),
            StatusCode.Unavailable,
            ErrorReason.DependencyUnavailable
        );

        await using var host = await fixture.StartAsync(builder =>
            builder
                .WithPeer("replication", "http://127.0.0.1:1")
                .WithSetting("Billing:Regions:0:Name", "East US")
                .WithSetting("Billing:Regions:0:Continent", "North America")
                .WithSetting("Billing:Regions:0:Zones", "3")
        );
        var estimate = await new EstimateService.EstimateServiceClient(host.ChannelAs(TestPrincipal.Reader)).EstimateCostAsync(Request());
        Assert.Equal(0.05m, BillingFixture.Of(estimate.MonthlyTotal));
    }

    private static EstimateCostRequest Request(bool withVersion = false)
    {
        var subscription = BillingFixture.NewSubscription();
        return withVersion
            ? new EstimateCostRequest { Parent = $"subscriptions/{subscription}", Version = BillingFixture.VersionOf(subscription) }
            : new EstimateCostRequest
            {
                Parent = $"subscriptions/{subscription}",
                OccupiedSizeBytes = BillingFixture.Gb,
                SourceRegion = "eastus",
                TargetRegions = { new EstimatedRegion { Region = "eastus" } },
            };
    }

    private async Task<Refused> RefusedAsync(
        Action<EstimateCostRequest> spoil,
        StatusCode code,
        ErrorReason reason,
        bool withVersion = false
    )
    {
        var request = Request(withVersion);
        spoil(request);
        return await Refused.WithAsync(() => fixture.Estimates().EstimateCostAsync(request), code, reason);
    }
}
