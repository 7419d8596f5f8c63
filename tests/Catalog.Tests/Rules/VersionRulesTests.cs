using Gallery.Catalog.ImageVersions;
using Gallery.Catalog.Quotas;
using Gallery.Catalog.Regions;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.ServiceDefaults.Errors;
using Grpc.Core;

namespace Gallery.Catalog.Tests.Rules;

public sealed class VersionRulesTests
{
    private static readonly RegionSet Regions = new([
        new OfferedRegion("westus", "West US", 1, true),
        new OfferedRegion("eastus", "East US", 3, true),
        new OfferedRegion("australiacentral", "Australia Central", 1, false),
    ]);

    [Theory]
    [InlineData("westus", "westus")]
    [InlineData("West US", "westus")]
    [InlineData(" E A S T us ", "eastus")]
    [InlineData("australiacentral", null)]
    [InlineData("west-us", null)]
    [InlineData("", null)]
    public void Regions_are_found_in_any_case_and_spacing_if_they_are_offered(string spelling, string? expected)
    {
        Assert.Equal(expected is not null, Regions.TryFind(spelling, out var region));
        Assert.Equal(expected, region?.Name);
    }

    [Fact]
    public void A_region_that_is_not_offered_is_told_apart_from_one_that_there_is_not()
    {
        var restricted = Assert.Throws<RpcException>(() => Regions.Require("Australia Central", "location"));
        var unknown = Assert.Throws<RpcException>(() => Regions.Require(new string('x', 1000), "location"));
        Assert.Contains("approval", restricted.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("no region", unknown.Status.Detail, StringComparison.Ordinal);
        Assert.All(
            [restricted, unknown],
            error => Assert.Equal(ErrorReason.LocationNotAvailableForResourceType, GalleryError.ReasonOf(error))
        );
    }

    [Theory]
    [InlineData(StorageAccountType.Unspecified, StorageAccountStrategy.Unspecified, StorageAccountType.StandardLrs)]
    [InlineData(StorageAccountType.PremiumLrs, StorageAccountStrategy.Unspecified, StorageAccountType.PremiumLrs)]
    [InlineData(StorageAccountType.Unspecified, StorageAccountStrategy.PreferStandardZrs, StorageAccountType.StandardZrs)]
    [InlineData(StorageAccountType.Unspecified, StorageAccountStrategy.DefaultStandardLrs, StorageAccountType.StandardLrs)]
    public void A_new_region_gets_the_storage_type_of_the_profile(
        StorageAccountType type,
        StorageAccountStrategy strategy,
        StorageAccountType expected
    )
    {
        var version = Version("eastus", ("eastus", 0));
        version.PublishingProfile.StorageAccountType = type;
        version.PublishingProfile.StorageAccountStrategy = strategy;
        ImageVersionRules.Normalize(version);
        TargetRegionRules.Resolve(version, null, Regions);
        Assert.Equal(
            (expected, 1),
            (version.PublishingProfile.TargetRegions[0].StorageAccountType, version.PublishingProfile.TargetRegions[0].RegionalReplicaCount)
        );
    }

    [Fact]
    public void A_region_that_stays_keeps_its_type_and_need_not_be_offered_any_more()
    {
        var current = Version("westus", ("westus", 1), ("australiacentral", 2));
        current.PublishingProfile.TargetRegions[0].StorageAccountType = StorageAccountType.StandardLrs;
        current.PublishingProfile.TargetRegions[1].StorageAccountType = StorageAccountType.PremiumLrs;
        var proposed = Version("westus", ("West US", 4), ("Australia Central", 3));
        ImageVersionRules.Normalize(proposed);
        TargetRegionRules.Resolve(proposed, current, Regions);
        Assert.Equal(
            [("westus", 4, StorageAccountType.StandardLrs), ("australiacentral", 3, StorageAccountType.PremiumLrs)],
            proposed.PublishingProfile.TargetRegions.Select(region => (region.Name, region.RegionalReplicaCount, region.StorageAccountType))
        );
    }

    [Theory]
    [InlineData(100, 0, true)]
    [InlineData(50, 50, true)]
    [InlineData(51, 50, false)]
    public void A_version_has_at_most_100_replicas(int west, int east, bool good)
    {
        var version = east == 0 ? Version("westus", ("westus", west)) : Version("westus", ("westus", west), ("eastus", east));
        if (good)
        {
            Assert.Equal(west > 50 ? 1 : 0, ImageVersionRules.CheckReplicas(version, new LimitsOptions()).Count);
        }
        else
        {
            Assert.Throws<RpcException>(() => ImageVersionRules.CheckReplicas(version, new LimitsOptions()));
        }
    }

    [Fact]
    public void Limits_of_one_subscription_leave_those_of_others()
    {
        var options = new LimitsOptions { Subscriptions = { ["AAA"] = new LimitOverrides { Galleries = 7 } } };
        Assert.Equal((7, 1000, 100), (options.For("aaa").Galleries, options.For("aaa").ImageDefinitions, options.For("bbb").Galleries));
    }

    [Theory]
    [InlineData(AggregatedReplicationState.Completed, ProvisioningState.Creating, ProvisioningState.Succeeded)]
    [InlineData(AggregatedReplicationState.Completed, ProvisioningState.Failed, ProvisioningState.Succeeded)]
    [InlineData(AggregatedReplicationState.Failed, ProvisioningState.Updating, ProvisioningState.Failed)]
    [InlineData(AggregatedReplicationState.Failed, ProvisioningState.Succeeded, ProvisioningState.Failed)]
    [InlineData(AggregatedReplicationState.InProgress, ProvisioningState.Creating, ProvisioningState.Creating)]
    [InlineData(AggregatedReplicationState.InProgress, ProvisioningState.Failed, ProvisioningState.Failed)]
    [InlineData(AggregatedReplicationState.InProgress, ProvisioningState.Succeeded, ProvisioningState.Succeeded)]
    [InlineData(AggregatedReplicationState.Unspecified, ProvisioningState.Updating, ProvisioningState.Updating)]
    [InlineData(AggregatedReplicationState.Completed, ProvisioningState.Deleting, null)]
    public void What_replication_tells_settles_the_state(
        AggregatedReplicationState told,
        ProvisioningState before,
        ProvisioningState? after
    )
    {
        var version = new ImageVersion
        {
            Uid = "u",
            Generation = 3,
            ProvisioningState = before,
        };
        var settled = ReplicationRows.Settle(
            version,
            new ReplicationStatusChanged
            {
                VersionUid = "u",
                Generation = 3,
                AggregatedState = told,
            }
        );
        Assert.Equal(after, settled?.ProvisioningState);
        Assert.Equal(before, version.ProvisioningState);
    }

    [Fact]
    public void Only_regions_that_are_complete_and_unchanged_keep_their_rows()
    {
        var earlier = Version("westus", ("westus", 2), ("eastus", 1));
        earlier.ReplicationStatus = new ReplicationStatus
        {
            Summary =
            {
                new RegionalReplicationStatus
                {
                    Region = "westus",
                    State = RegionalReplicationState.Completed,
                    TargetReplicaCount = 2,
                    ReadyReplicaCount = 2,
                    Progress = 100,
                },
                new RegionalReplicationStatus
                {
                    Region = "eastus",
                    State = RegionalReplicationState.Completed,
                    TargetReplicaCount = 1,
                    ReadyReplicaCount = 1,
                    Progress = 100,
                },
            },
        };
        var version = Version("westus", ("westus", 2), ("eastus", 4), ("brazilsouth", 1));
        version.OccupiedSizeBytes = 1000;
        var status = ReplicationRows.Expected(version, earlier, DateTimeOffset.UnixEpoch);
        Assert.Equal(
            [
                ("westus", RegionalReplicationState.Completed, 100),
                ("eastus", RegionalReplicationState.Replicating, 25),
                ("brazilsouth", RegionalReplicationState.Replicating, 0),
            ],
            status.Summary.Select(row => (row.Region, row.State, row.Progress))
        );
        Assert.Equal((4000L, 1000L), (status.Summary[1].TotalBytes, status.Summary[1].CopiedBytes));
    }

    private static ImageVersion Version(string location, params (string Region, int Count)[] targets)
    {
        var version = new ImageVersion { Location = location, PublishingProfile = new ImageVersionPublishingProfile() };
        version.PublishingProfile.TargetRegions.AddRange(
            targets.Select(target => new TargetRegion { Name = target.Region, RegionalReplicaCount = target.Count })
        );
        return version;
    }
}
