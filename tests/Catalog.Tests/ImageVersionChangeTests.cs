using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Events.V1;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Catalog.Tests;

[Collection(CatalogCollection.Name)]
public sealed class ImageVersionChangeTests(CatalogFixture fixture)
{
    private readonly Scenario _here = new(fixture);

    [Fact]
    public async Task Adding_a_region_and_replicas_begins_an_update_that_replication_ends()
    {
        var version = await _here.CreateReadyVersionAsync();
        var updated = await UpdateAsync(
            version.Name,
            change =>
            {
                Target(change, "West US", 3);
                Target(change, "eastus", 0, StorageAccountType.StandardZrs);
            }
        );

        Assert.Equal((ProvisioningState.Updating, 2L), (updated.ProvisioningState, updated.Generation));
        Assert.Equal(
            [("westus", 3), ("eastus", 1)],
            updated.PublishingProfile.TargetRegions.Select(region => (region.Name, region.RegionalReplicaCount))
        );
        Assert.Equal(
            [("westus", RegionalReplicationState.Replicating, 33, 1), ("eastus", RegionalReplicationState.Replicating, 0, 0)],
            updated.ReplicationStatus.Summary.Select(row => (row.Region, row.State, row.Progress, row.ReadyReplicaCount))
        );
        var told = (await _here.EventsAsync())[^1].ImageVersionChanged;
        Assert.Equal((ChangeType.Updated, 2L), (told.Change, told.Generation));

        // What is told of the generation before does not settle this one.
        await _here.TellAsync(version, AggregatedReplicationState.Completed);
        await _here.HandledAsync();
        Assert.Equal(ProvisioningState.Updating, (await _here.GetVersionAsync(version.Name)).ProvisioningState);
        await _here.TellAsync(updated, AggregatedReplicationState.Completed);
        await _here.SettledAsync(version.Name, ProvisioningState.Succeeded);
    }

    [Theory]
    [InlineData(AggregatedReplicationState.Unspecified)]
    [InlineData(AggregatedReplicationState.InProgress)]
    public async Task While_a_change_goes_on_another_is_not_allowed(AggregatedReplicationState told)
    {
        var version = await _here.CreateVersionAsync();
        if (told != AggregatedReplicationState.Unspecified)
        {
            await _here.TellAsync(version, told);
            await _here.HandledAsync();
        }

        await NotAllowed(version.Name);
        await _here.TellAsync(version, AggregatedReplicationState.Completed);
        await _here.SettledAsync(version.Name, ProvisioningState.Succeeded);
        await UpdateAsync(version.Name, change => Target(change, "westus", 2));
        await NotAllowed(version.Name);
        await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name });
        await NotAllowed(version.Name);
        var parent = version.Name[..version.Name.IndexOf("/versions", StringComparison.Ordinal)];
        await Refused.WithAsync(
            () => _here.Versions.CreateImageVersionAsync(_here.NewVersion(parent)),
            StatusCode.Aborted,
            ErrorReason.OperationNotAllowed
        );

        async Task NotAllowed(string name) =>
            await Refused.WithAsync(
                () => UpdateAsync(name, change => change.Tags["a"] = "b"),
                StatusCode.Aborted,
                ErrorReason.OperationNotAllowed
            );
    }

    [Fact]
    public async Task What_concerns_no_replica_is_done_at_once()
    {
        var version = await _here.CreateReadyVersionAsync();
        var updated = await UpdateAsync(
            version.Name,
            change =>
            {
                change.Tags["a"] = "b";
                change.PublishingProfile = new ImageVersionPublishingProfile
                {
                    ExcludeFromLatest = true,
                    EndOfLifeDate = _here.In(TimeSpan.FromDays(2)),
                };
                change.StorageProfile = new StorageProfile { OsDiskImage = new OsDiskImage { HostCaching = HostCaching.None } };
                change.SafetyProfile = new SafetyProfile { AllowDeletionOfReplicatedLocations = true, ReportedForPolicyViolation = true };
            }
        );
        Assert.Equal((ProvisioningState.Succeeded, 1L), (updated.ProvisioningState, updated.Generation));
        Assert.True(updated.PublishingProfile.ExcludeFromLatest);
        Assert.Equal(HostCaching.None, updated.StorageProfile.OsDiskImage.HostCaching);
        Assert.Equal(version.StorageProfile.OsDiskImage.Content, updated.StorageProfile.OsDiskImage.Content);
        Assert.False(updated.SafetyProfile.ReportedForPolicyViolation);
        Assert.Equal(ChangeType.Updated, (await _here.EventsAsync())[^1].ImageVersionChanged.Change);

        var cleared = (
            await _here.Versions.UpdateImageVersionAsync(
                new UpdateImageVersionRequest
                {
                    ImageVersion = new ImageVersion { Name = version.Name },
                    UpdateMask = new FieldMask
                    {
                        Paths = { "publishing_profile.exclude_from_latest", "publishing_profile.end_of_life_date" },
                    },
                }
            )
        ).ImageVersion;
        Assert.False(cleared.PublishingProfile.ExcludeFromLatest);
        Assert.Null(cleared.PublishingProfile.EndOfLifeDate);
        Assert.Single(cleared.PublishingProfile.TargetRegions);
    }

    [Fact]
    public async Task Tags_change_even_while_replication_is_down_and_regions_wait()
    {
        var version = await _here.CreateReadyVersionAsync();
        fixture.Host.Time.Advance(TimeSpan.FromSeconds(3));
        await fixture.Replication.StopAsync();
        try
        {
            Assert.Equal("b", (await UpdateAsync(version.Name, change => change.Tags["a"] = "b")).Tags["a"]);
            var refused = await Refused.WithAsync(
                () => UpdateAsync(version.Name, change => Target(change, "westus", 2)),
                StatusCode.Unavailable,
                ErrorReason.DependencyUnavailable
            );
            Assert.NotNull(refused.Detail<Google.Rpc.RetryInfo>());
        }
        finally
        {
            await fixture.Replication.StartAgainAsync();
        }

        await Eventually.Async(
            async () =>
            {
                try
                {
                    return (await UpdateAsync(version.Name, change => Target(change, "westus", 2))).Generation == 2;
                }
                catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable)
                {
                    return false; // The circuit is still open.
                }
            },
            TimeSpan.FromSeconds(40)
        );
    }

    [Fact]
    public async Task A_region_is_dropped_only_with_leave_which_may_come_with_it()
    {
        var version = await _here.CreateReadyVersionAsync(change: version =>
            version.PublishingProfile = new ImageVersionPublishingProfile
            {
                TargetRegions =
                {
                    new TargetRegion { Name = "westus" },
                    new TargetRegion { Name = "eastus" },
                },
            }
        );
        var refused = await Refused.WithAsync(
            () => UpdateAsync(version.Name, change => Target(change, "westus", 1)),
            StatusCode.FailedPrecondition,
            ErrorReason.ReplicatedLocationDeletionNotAllowed
        );
        Assert.Equal("eastus", refused.Metadata["dropped"]);

        var updated = await UpdateAsync(
            version.Name,
            change =>
            {
                Target(change, "westus", 1);
                change.SafetyProfile = new SafetyProfile { AllowDeletionOfReplicatedLocations = true };
            }
        );
        Assert.Equal("westus", Assert.Single(updated.PublishingProfile.TargetRegions).Name);
        Assert.Equal(RegionalReplicationState.Completed, Assert.Single(updated.ReplicationStatus.Summary).State);
        await _here.TellAsync(updated, AggregatedReplicationState.Completed);
        await _here.SettledAsync(version.Name, ProvisioningState.Succeeded);
        var home = await Refused.WithAsync(
            () => UpdateAsync(version.Name, change => Target(change, "eastus", 1)),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );
        Assert.Contains("westus", home.Field("image_version.publishing_profile.target_regions"), StringComparison.Ordinal);
    }

    public static TheoryData<string, Action<ImageVersion>> FixedProperties() =>
        new()
        {
            { "location", version => version.Location = "eastus" },
            {
                "publishing_profile.storage_account_type",
                version =>
                    version.PublishingProfile = new ImageVersionPublishingProfile { StorageAccountType = StorageAccountType.PremiumLrs }
            },
            {
                "publishing_profile.storage_account_strategy",
                version =>
                    version.PublishingProfile = new ImageVersionPublishingProfile
                    {
                        StorageAccountStrategy = StorageAccountStrategy.PreferStandardZrs,
                    }
            },
            {
                "publishing_profile.replication_mode",
                version => version.PublishingProfile = new ImageVersionPublishingProfile { ReplicationMode = ReplicationMode.Shallow }
            },
            {
                "publishing_profile.target_regions[0].storage_account_type",
                version => Target(version, "westus", 1, StorageAccountType.PremiumLrs)
            },
            {
                "security_profile",
                version =>
                    version.SecurityProfile = new ImageVersionSecurityProfile
                    {
                        UefiSettings = new UefiSettings { SignatureTemplateNames = { UefiSignatureTemplate.MicrosoftWindows } },
                    }
            },
            {
                "storage_profile.source",
                version => version.StorageProfile = new StorageProfile { Source = new ImageSource { ImageVersion = "x" } }
            },
            {
                "storage_profile.os_disk_image.snapshot",
                version => version.StorageProfile = new StorageProfile { OsDiskImage = new OsDiskImage { Snapshot = "other" } }
            },
            {
                "storage_profile.data_disk_images",
                version => version.StorageProfile = new StorageProfile { DataDiskImages = { new DataDiskImage { Lun = 1 } } }
            },
            {
                "storage_profile.data_disk_images",
                version =>
                    version.StorageProfile = new StorageProfile
                    {
                        DataDiskImages =
                        {
                            new DataDiskImage { Lun = 5 },
                            new DataDiskImage { Lun = 6 },
                        },
                    }
            },
            {
                "storage_profile.data_disk_images[lun 5].snapshot",
                version =>
                    version.StorageProfile = new StorageProfile
                    {
                        DataDiskImages =
                        {
                            new DataDiskImage { Lun = 5, Snapshot = "other" },
                        },
                    }
            },
        };

    [Theory]
    [MemberData(nameof(FixedProperties), DisableDiscoveryEnumeration = true)]
    public async Task A_fixed_property_cannot_change_and_the_error_names_it(string path, Action<ImageVersion> change)
    {
        var version = await _here.CreateReadyVersionAsync(change: version =>
            version.StorageProfile.DataDiskImages.Add(new DataDiskImage { Lun = 5, Snapshot = _here.Snapshot() })
        );
        var refused = await Refused.WithAsync(
            () => UpdateAsync(version.Name, change),
            StatusCode.FailedPrecondition,
            ErrorReason.PropertyChangeNotAllowed
        );
        Assert.Equal($"image_version.{path}", refused.Metadata["target"]);
        Assert.Equal(version, await _here.GetVersionAsync(version.Name));
    }

    [Fact]
    public async Task Sending_back_what_was_read_is_fine_and_content_cannot_be_forged()
    {
        var version = await _here.CreateReadyVersionAsync();
        var back = version.Clone();
        back.StorageProfile.OsDiskImage.Content.Digest = "sha256:forged";
        back.OccupiedSizeBytes = 1;
        back.Generation = 99;
        back.ReplicationStatus = null;
        var updated = (
            await _here.Versions.UpdateImageVersionAsync(
                new UpdateImageVersionRequest
                {
                    ImageVersion = back,
                    UpdateMask = new FieldMask { Paths = { "*" } },
                }
            )
        ).ImageVersion;
        updated.Etag = version.Etag;
        Assert.Equal(version, updated);
    }

    [Fact]
    public async Task Updating_a_failed_version_tries_it_again()
    {
        var version = await _here.CreateVersionAsync();
        await _here.TellAsync(version, AggregatedReplicationState.Failed);
        await _here.SettledAsync(version.Name, ProvisioningState.Failed);
        var updated = await UpdateAsync(version.Name, _ => { });
        Assert.Equal((ProvisioningState.Updating, 2L, ""), (updated.ProvisioningState, updated.Generation, updated.ProvisioningDetails));
    }

    [Fact]
    public async Task Etags_request_ids_and_validate_only_are_honoured()
    {
        var version = await _here.CreateReadyVersionAsync();
        var request = new UpdateImageVersionRequest
        {
            ImageVersion = new ImageVersion
            {
                Name = version.Name,
                Etag = version.Etag,
                Tags = { ["a"] = "b" },
            },
            ValidateOnly = true,
        };
        Assert.Equal("b", (await _here.Versions.UpdateImageVersionAsync(request)).ImageVersion.Tags["a"]);
        Assert.Equal(version, await _here.GetVersionAsync(version.Name));
        request.ValidateOnly = false;
        request.RequestId = "once";
        var first = await _here.Versions.UpdateImageVersionAsync(request);
        Assert.Equal(first, await _here.Versions.UpdateImageVersionAsync(request));
        request.RequestId = "";
        await Refused.WithAsync(() => _here.Versions.UpdateImageVersionAsync(request), StatusCode.Aborted, ErrorReason.EtagMismatch);
        await Refused.WithAsync(
            () => _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name, Etag = version.Etag }),
            StatusCode.Aborted,
            ErrorReason.EtagMismatch
        );
    }

    [Fact]
    public async Task Two_writers_with_the_same_etag_cannot_both_win()
    {
        var version = await _here.CreateReadyVersionAsync();
        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async number =>
                {
                    try
                    {
                        await _here.Versions.UpdateImageVersionAsync(
                            new UpdateImageVersionRequest
                            {
                                ImageVersion = new ImageVersion
                                {
                                    Name = version.Name,
                                    Etag = version.Etag,
                                    Tags = { ["n"] = $"{number}" },
                                },
                            }
                        );
                        return ErrorReason.Unspecified;
                    }
                    catch (RpcException error)
                    {
                        return ServiceDefaults.Errors.GalleryError.ReasonOf(error);
                    }
                })
        );
        Assert.Single(outcomes, ErrorReason.Unspecified);
        Assert.Equal(7, outcomes.Count(reason => reason == ErrorReason.EtagMismatch));
    }

    [Fact]
    public async Task A_deletion_is_accepted_at_once_and_done_when_the_replicas_are_gone()
    {
        var version = await _here.CreateReadyVersionAsync();
        var deleting = (await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name })).ImageVersion;
        Assert.Equal((ProvisioningState.Deleting, 2L), (deleting.ProvisioningState, deleting.Generation));
        Assert.Equal(ChangeType.Deleting, (await _here.EventsAsync())[^1].ImageVersionChanged.Change);
        Assert.Equal(
            deleting,
            (await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name })).ImageVersion
        );
        Assert.Equal(1, await _here.UsageAsync(UsageMetric.ImageVersions));

        // Another incarnation's end is not this one's.
        var other = deleting.Clone();
        other.Uid = Guid.NewGuid().ToString();
        await _here.RetireAsync(other);
        await _here.HandledAsync();
        await _here.GetVersionAsync(version.Name);

        await _here.RetireAsync(deleting);
        await _here.RetireAsync(deleting);
        await _here.HandledAsync();
        await Refused.WithAsync(() => _here.GetVersionAsync(version.Name), StatusCode.NotFound, ErrorReason.ResourceNotFound);
        await Refused.WithAsync(
            () => _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name }),
            StatusCode.NotFound,
            ErrorReason.ResourceNotFound
        );
        Assert.Null(
            (
                await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name, AllowMissing = true })
            ).ImageVersion
        );
        Assert.Equal(0, await _here.UsageAsync(UsageMetric.ImageVersions));
        Assert.DoesNotContain(_here.Keys(), key => key.Contains(":version", StringComparison.Ordinal));
        Assert.Single(await _here.EventsAsync(), told => told.ImageVersionChanged?.Change == ChangeType.Deleted);
    }

    [Fact]
    public async Task A_version_that_is_not_being_deleted_survives_the_news_that_its_replicas_are_gone()
    {
        var version = await _here.CreateReadyVersionAsync();
        await _here.RetireAsync(version);
        await _here.HandledAsync();
        Assert.Equal(version, await _here.GetVersionAsync(version.Name));
    }

    [Fact]
    public async Task A_protected_version_is_deleted_after_its_end_of_life_or_when_the_protection_is_lifted()
    {
        var first = await _here.CreateReadyVersionAsync(change: Protected);
        var second = await _here.CreateReadyVersionAsync(
            first.Name[..first.Name.IndexOf("/versions", StringComparison.Ordinal)],
            "2.0.0",
            Protected
        );
        foreach (var version in new[] { first, second })
        {
            await Refused.WithAsync(
                () => _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name }),
                StatusCode.FailedPrecondition,
                ErrorReason.DeleteGalleryImageVersionBlockedBeforeEndOfLife
            );
        }

        await _here.Versions.UpdateImageVersionAsync(
            new UpdateImageVersionRequest
            {
                ImageVersion = new ImageVersion { Name = second.Name },
                UpdateMask = new FieldMask { Paths = { "safety_profile.block_deletion_before_end_of_life" } },
            }
        );
        await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = second.Name });
        fixture.Host.Time.Advance(TimeSpan.FromSeconds(31));
        await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = first.Name });

        void Protected(ImageVersion version)
        {
            version.PublishingProfile = new ImageVersionPublishingProfile { EndOfLifeDate = _here.In(TimeSpan.FromSeconds(30)) };
            version.SafetyProfile = new SafetyProfile { BlockDeletionBeforeEndOfLife = true };
        }
    }

    [Fact]
    public async Task A_version_that_is_still_being_created_can_be_deleted()
    {
        var version = await _here.CreateVersionAsync();
        await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name, ValidateOnly = true });
        Assert.Equal(ProvisioningState.Creating, (await _here.GetVersionAsync(version.Name)).ProvisioningState);
        var deleting = (await _here.Versions.DeleteImageVersionAsync(new DeleteImageVersionRequest { Name = version.Name })).ImageVersion;
        await _here.TellAsync(version, AggregatedReplicationState.Completed);
        await _here.HandledAsync();
        Assert.Equal(deleting, await _here.GetVersionAsync(version.Name));
    }

    private async Task<ImageVersion> UpdateAsync(string name, Action<ImageVersion> change)
    {
        var version = new ImageVersion { Name = name };
        change(version);
        return (await _here.Versions.UpdateImageVersionAsync(new UpdateImageVersionRequest { ImageVersion = version })).ImageVersion;
    }

    private static void Target(ImageVersion version, string region, int count, StorageAccountType type = StorageAccountType.Unspecified)
    {
        version.PublishingProfile ??= new ImageVersionPublishingProfile();
        version.PublishingProfile.TargetRegions.Add(
            new TargetRegion
            {
                Name = region,
                RegionalReplicaCount = count,
                StorageAccountType = type,
            }
        );
    }
}
