using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.TestKit;
using Grpc.Core;

namespace Gallery.Catalog.Tests;

[Collection(CatalogCollection.Name)]
public sealed class ImageVersionCreationTests(CatalogFixture fixture)
{
    private readonly Scenario _here = new(fixture);

    [Fact]
    public async Task A_version_is_accepted_with_its_contents_regions_and_event()
    {
        var definition = await _here.CreateDefinitionAsync();
        var data = _here.Snapshot(change: snapshot => snapshot.Content.OccupiedSizeBytes = 100);
        var request = _here.NewVersion(
            definition.Name.ToUpperInvariant(),
            "1.2.3",
            version =>
            {
                version.Location = "West US";
                version.Tags["build"] = "77";
                version.StorageProfile.DataDiskImages.Add(new DataDiskImage { Lun = 63, Snapshot = data.ToUpperInvariant() });
                version.PublishingProfile = new ImageVersionPublishingProfile
                {
                    ReplicaCount = 2,
                    TargetRegions =
                    {
                        new TargetRegion { Name = "WESTUS" },
                        new TargetRegion
                        {
                            Name = "East US",
                            RegionalReplicaCount = 3,
                            StorageAccountType = StorageAccountType.StandardZrs,
                            ExcludeFromLatest = false,
                        },
                    },
                };
            }
        );

        var version = (await _here.Versions.CreateImageVersionAsync(request)).ImageVersion;

        Assert.Equal($"{definition.Name}/versions/1.2.3", version.Name);
        Assert.Equal(ProvisioningState.Creating, version.ProvisioningState);
        Assert.Equal((1L, "westus", "77"), (version.Generation, version.Location, version.Tags["build"]));
        Assert.Equal(
            [("westus", 2, StorageAccountType.StandardLrs, false), ("eastus", 3, StorageAccountType.StandardZrs, true)],
            version.PublishingProfile.TargetRegions.Select(region =>
                (region.Name, region.RegionalReplicaCount, region.StorageAccountType, region.HasExcludeFromLatest)
            )
        );
        Assert.Equal(ReplicationMode.Full, version.PublishingProfile.ReplicationMode);
        Assert.Equal(version.CreateTime, version.PublishingProfile.PublishedDate);
        Assert.Equal(
            (4, HostCaching.ReadWrite),
            (version.StorageProfile.OsDiskImage.SizeInGb, version.StorageProfile.OsDiskImage.HostCaching)
        );
        Assert.StartsWith("sha256:", version.StorageProfile.OsDiskImage.Content.Digest, StringComparison.Ordinal);
        var disk = Assert.Single(version.StorageProfile.DataDiskImages);
        Assert.Equal((63, data, HostCaching.ReadOnly), (disk.Lun, disk.Snapshot, disk.HostCaching));
        Assert.Equal((8L << 30, (512L << 20) + 100), (version.VirtualSizeBytes, version.OccupiedSizeBytes));
        Assert.Equal(AggregatedReplicationState.InProgress, version.ReplicationStatus.AggregatedState);
        Assert.Equal(
            [("westus", 2, version.OccupiedSizeBytes * 2), ("eastus", 3, version.OccupiedSizeBytes * 3)],
            version.ReplicationStatus.Summary.Select(row => (row.Region, row.TargetReplicaCount, row.TotalBytes))
        );
        Assert.Equal(version, await _here.GetVersionAsync(version.Name));
        var told = (await _here.EventsAsync())[^1].ImageVersionChanged;
        Assert.Equal((version.Name, version.Uid, ChangeType.Created, 1L), (told.Name, told.Uid, told.Change, told.Generation));
        Assert.Contains(
            fixture.Access.Asked,
            asked => asked.Action == "Microsoft.Compute/snapshots/read" && asked.Resource.Equals(data, StringComparison.OrdinalIgnoreCase)
        );
    }

    [Fact]
    public async Task Without_target_regions_it_is_wanted_once_in_its_location()
    {
        var version = await _here.CreateVersionAsync();
        var region = Assert.Single(version.PublishingProfile.TargetRegions);
        Assert.Equal(("westus", 1, StorageAccountType.StandardLrs), (region.Name, region.RegionalReplicaCount, region.StorageAccountType));
    }

    [Fact]
    public async Task A_strategy_chooses_the_storage_type_by_region()
    {
        var version = await _here.CreateVersionAsync(change: version =>
            version.PublishingProfile = Profile(
                new ImageVersionPublishingProfile { StorageAccountStrategy = StorageAccountStrategy.PreferStandardZrs },
                new TargetRegion { Name = "westus" },
                new TargetRegion { Name = "eastus" },
                new TargetRegion { Name = "northeurope", StorageAccountType = StorageAccountType.PremiumLrs }
            )
        );
        Assert.Equal(
            [StorageAccountType.StandardLrs, StorageAccountType.StandardZrs, StorageAccountType.PremiumLrs],
            version.PublishingProfile.TargetRegions.Select(region => region.StorageAccountType)
        );
        Assert.Equal(StorageAccountStrategy.PreferStandardZrs, version.PublishingProfile.StorageAccountStrategy);
    }

    [Fact]
    public async Task A_failed_version_created_again_from_the_same_disks_goes_on()
    {
        var definition = await _here.CreateDefinitionAsync();
        var request = _here.NewVersion(
            definition.Name,
            change: version =>
                version.PublishingProfile = Profile(
                    new ImageVersionPublishingProfile(),
                    new TargetRegion { Name = "westus" },
                    new TargetRegion { Name = "eastus" }
                )
        );
        var first = (await _here.Versions.CreateImageVersionAsync(request)).ImageVersion;
        await _here.TellAsync(
            first,
            AggregatedReplicationState.Failed,
            told =>
            {
                told.Summary[0].State = RegionalReplicationState.Completed;
                told.Summary[0].ReadyReplicaCount = 1;
            }
        );
        var failed = await _here.SettledAsync(first.Name, ProvisioningState.Failed);
        Assert.Equal("eastus: The disk is broken.", failed.ProvisioningDetails);

        var again = (await _here.Versions.CreateImageVersionAsync(request)).ImageVersion;

        Assert.Equal(
            (first.Uid, 2L, ProvisioningState.Creating, first.CreateTime),
            (again.Uid, again.Generation, again.ProvisioningState, again.CreateTime)
        );
        Assert.Equal(
            [RegionalReplicationState.Completed, RegionalReplicationState.Replicating],
            again.ReplicationStatus.Summary.Select(row => row.State)
        );
        Assert.Equal("", again.ProvisioningDetails);
        Assert.Equal(1, await _here.UsageAsync(UsageMetric.ImageVersions));
        await _here.TellAsync(again, AggregatedReplicationState.Completed);
        await _here.SettledAsync(first.Name, ProvisioningState.Succeeded);
    }

    [Fact]
    public async Task A_failed_version_may_be_created_again_from_another_disk_even_elsewhere()
    {
        var first = await _here.CreateVersionAsync();
        var parent = first.Name[..first.Name.IndexOf("/versions", StringComparison.Ordinal)];
        await _here.TellAsync(first, AggregatedReplicationState.Failed);
        await _here.SettledAsync(first.Name, ProvisioningState.Failed);

        var again = await _here.CreateVersionAsync(
            parent,
            change: version =>
            {
                version.Location = "eastus";
                version.StorageProfile.OsDiskImage.Snapshot = _here.Snapshot(change: snapshot => snapshot.Region = "eastus");
            }
        );

        Assert.NotEqual(first.Uid, again.Uid);
        Assert.Equal(1, again.Generation);
        Assert.Equal(
            (0L, 1L),
            (await _here.UsageAsync(UsageMetric.ImageVersions), await _here.UsageAsync(UsageMetric.ImageVersions, "eastus"))
        );

        // What is still told of the first one changes nothing.
        await _here.TellAsync(first, AggregatedReplicationState.Completed);
        await _here.RetireAsync(first);
        await _here.HandledAsync();
        Assert.Equal(again, await _here.GetVersionAsync(first.Name));
    }

    [Fact]
    public async Task Many_replicas_in_a_region_draw_a_warning()
    {
        var definition = await _here.CreateDefinitionAsync();
        var response = await _here.Versions.CreateImageVersionAsync(
            _here.NewVersion(
                definition.Name,
                change: version => version.PublishingProfile = new ImageVersionPublishingProfile { ReplicaCount = 100 }
            )
        );
        Assert.Contains("westus", Assert.Single(response.Warnings), StringComparison.Ordinal);
        Assert.Equal(100, response.ImageVersion.PublishingProfile.TargetRegions.Single().RegionalReplicaCount);
    }

    [Fact]
    public async Task Validate_only_leaves_nothing_and_a_repeated_request_id_changes_nothing()
    {
        var definition = await _here.CreateDefinitionAsync();
        var before = _here.Keys();
        var request = _here.NewVersion(definition.Name);
        request.ValidateOnly = true;
        Assert.Equal(ProvisioningState.Creating, (await _here.Versions.CreateImageVersionAsync(request)).ImageVersion.ProvisioningState);
        Assert.Equal(before, _here.Keys());

        request.ValidateOnly = false;
        request.RequestId = Guid.NewGuid().ToString();
        var first = await _here.Versions.CreateImageVersionAsync(request);
        Assert.Equal(first, await _here.Versions.CreateImageVersionAsync(request));
        Assert.Single(await _here.EventsAsync(), told => told.ImageVersionChanged is not null);
        request.ImageVersionId = "1.0.1";
        await Refused.WithAsync(
            () => _here.Versions.CreateImageVersionAsync(request),
            StatusCode.FailedPrecondition,
            ErrorReason.RequestIdReused
        );
    }

    [Fact]
    public async Task Of_many_creators_of_a_version_exactly_one_wins()
    {
        var definition = await _here.CreateDefinitionAsync();
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 10)
                .Select(async _ =>
                {
                    try
                    {
                        return (await _here.Versions.CreateImageVersionAsync(_here.NewVersion(definition.Name))).ImageVersion.Uid;
                    }
                    catch (RpcException error) when (error.StatusCode == StatusCode.AlreadyExists)
                    {
                        return "";
                    }
                })
        );
        Assert.Equal(
            Assert.Single(outcomes, uid => uid.Length > 0),
            (await _here.GetVersionAsync($"{definition.Name}/versions/1.0.0")).Uid
        );
        Assert.Equal(1, await _here.UsageAsync(UsageMetric.ImageVersions));
    }

    [Fact]
    public async Task Versions_are_listed_by_number_both_ways_in_pages()
    {
        var definition = await _here.CreateDefinitionAsync();
        string[] numbers = ["10.0.0", "2.0.0", "2.0.10", "2.0.9", "0.0.0", "2147483647.0.1"];
        foreach (var number in numbers)
        {
            await _here.CreateVersionAsync(definition.Name, number);
        }

        string[] sorted = ["0.0.0", "2.0.0", "2.0.9", "2.0.10", "10.0.0", "2147483647.0.1"];
        Assert.Equal(sorted, await ListAsync(""));
        Assert.Equal(sorted, await ListAsync("version"));
        Assert.Equal(sorted.Reverse(), await ListAsync("version desc"));
        await Refused.WithAsync(
            () => _here.Versions.ListImageVersionsAsync(new ListImageVersionsRequest { Parent = definition.Name, OrderBy = "size" }),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        async Task<List<string>> ListAsync(string order)
        {
            List<string> found = [];
            var token = "";
            do
            {
                var page = await _here.Versions.ListImageVersionsAsync(
                    new ListImageVersionsRequest
                    {
                        Parent = definition.Name,
                        PageSize = 4,
                        PageToken = token,
                        OrderBy = order,
                    }
                );
                found.AddRange(page.ImageVersions.Select(version => version.Name[(version.Name.LastIndexOf('/') + 1)..]));
                token = page.NextPageToken;
            } while (token.Length > 0);
            return found;
        }
    }

    [Fact]
    public async Task A_page_of_large_versions_stays_below_what_a_client_accepts()
    {
        var definition = await _here.CreateDefinitionAsync();
        foreach (var number in Enumerable.Range(0, 8))
        {
            await _here.CreateVersionAsync(
                definition.Name,
                $"1.0.{number}",
                version =>
                {
                    // 30 KiB of tags, and a status row that is far larger than any should be.
                    for (var tag = 0; tag < 50; tag++)
                    {
                        version.Tags[$"{tag}{new string('k', 400)}"] = new string('v', 256);
                    }
                }
            );
        }

        foreach (
            var version in (
                await _here.Versions.ListImageVersionsAsync(new ListImageVersionsRequest { Parent = definition.Name })
            ).ImageVersions
        )
        {
            await _here.TellAsync(version, AggregatedReplicationState.Failed, told => told.Summary[0].Details = new string('x', 500_000));
            await _here.SettledAsync(version.Name, ProvisioningState.Failed);
        }

        List<int> sizes = [];
        var seen = 0;
        var token = "";
        do
        {
            var page = await _here.Versions.ListImageVersionsAsync(
                new ListImageVersionsRequest { Parent = definition.Name, PageToken = token }
            );
            sizes.Add(page.CalculateSize());
            seen += page.ImageVersions.Count;
            token = page.NextPageToken;
        } while (token.Length > 0);
        Assert.Equal(8, seen);
        Assert.All(sizes, size => Assert.InRange(size, 1, 4 << 20));
    }

    private static ImageVersionPublishingProfile Profile(ImageVersionPublishingProfile profile, params TargetRegion[] regions)
    {
        profile.TargetRegions.AddRange(regions);
        return profile;
    }
}
