using Gallery.Catalog.Tests.Support;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Replication.V1;
using Gallery.TestKit;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace Gallery.Catalog.Tests;

[Collection(CatalogCollection.Name)]
public sealed class ImageVersionRefusalTests(CatalogFixture fixture)
{
    private readonly Scenario _here = new(fixture);

    public static TheoryData<string, Action<CreateImageVersionRequest>> BadRequests() =>
        new()
        {
            { "image_version_id", request => request.ImageVersionId = "1.0" },
            { "image_version_id", request => request.ImageVersionId = "1.0.0.0" },
            { "image_version_id", request => request.ImageVersionId = "01.0.0" },
            { "image_version_id", request => request.ImageVersionId = "1.0.2147483648" },
            { "image_version_id", request => request.ImageVersionId = "1.-1.0" },
            { "image_version_id", request => request.ImageVersionId = "" },
            { "image_version_id", request => request.ImageVersionId = "latest" },
            { "image_version_id", request => request.ImageVersionId = "1.0.0/x" },
            { "image_version", request => request.ImageVersion = null },
            { "image_version.location", request => request.ImageVersion.Location = "" },
            { "image_version.name", request => request.ImageVersion.Name = "another" },
            { "image_version.publishing_profile.target_regions", request => Regions(request, new TargetRegion { Name = "eastus" }) },
            {
                "image_version.publishing_profile.target_regions",
                request => Regions(request, new TargetRegion { Name = "westus" }, new TargetRegion { Name = "West US" })
            },
            {
                "image_version.publishing_profile.target_regions",
                request =>
                    Regions(
                        request,
                        new TargetRegion { Name = "westus", RegionalReplicaCount = 60 },
                        new TargetRegion { Name = "eastus", RegionalReplicaCount = 41 }
                    )
            },
            {
                "image_version.publishing_profile.target_regions[0].name",
                request => Regions(request, new TargetRegion(), new TargetRegion { Name = "westus" })
            },
            {
                "image_version.publishing_profile.target_regions[0].regional_replica_count",
                request => Regions(request, new TargetRegion { Name = "westus", RegionalReplicaCount = 101 })
            },
            {
                "image_version.publishing_profile.target_regions[0].regional_replica_count",
                request => Regions(request, new TargetRegion { Name = "westus", RegionalReplicaCount = -1 })
            },
            {
                "image_version.publishing_profile.target_regions[0].storage_account_type",
                request => Regions(request, new TargetRegion { Name = "westus", StorageAccountType = (StorageAccountType)9 })
            },
            {
                "image_version.publishing_profile.target_regions[0].storage_account_type",
                request => Regions(request, new TargetRegion { Name = "westus", StorageAccountType = StorageAccountType.PremiumV2Lrs })
            },
            {
                "image_version.publishing_profile.replica_count",
                request => request.ImageVersion.PublishingProfile = new ImageVersionPublishingProfile { ReplicaCount = 101 }
            },
            {
                "image_version.publishing_profile.replica_count",
                request => request.ImageVersion.PublishingProfile = new ImageVersionPublishingProfile { ReplicaCount = -5 }
            },
            {
                "image_version.publishing_profile.replication_mode",
                request =>
                    request.ImageVersion.PublishingProfile = new ImageVersionPublishingProfile { ReplicationMode = (ReplicationMode)8 }
            },
            {
                "image_version.publishing_profile.storage_account_strategy",
                request =>
                    request.ImageVersion.PublishingProfile = new ImageVersionPublishingProfile
                    {
                        StorageAccountStrategy = StorageAccountStrategy.DefaultStandardLrs,
                        StorageAccountType = StorageAccountType.PremiumLrs,
                    }
            },
            {
                "image_version.publishing_profile.end_of_life_date",
                request =>
                    request.ImageVersion.PublishingProfile = new ImageVersionPublishingProfile
                    {
                        EndOfLifeDate = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch),
                    }
            },
            { "image_version.storage_profile.os_disk_image", request => request.ImageVersion.StorageProfile = null },
            { "image_version.storage_profile.os_disk_image", request => request.ImageVersion.StorageProfile.OsDiskImage = null },
            {
                "image_version.storage_profile.os_disk_image.snapshot",
                request => request.ImageVersion.StorageProfile.OsDiskImage.Snapshot = ""
            },
            {
                "image_version.storage_profile.os_disk_image.snapshot",
                request => request.ImageVersion.StorageProfile.OsDiskImage.Snapshot = "https://example.com/disk.vhd"
            },
            {
                "image_version.storage_profile.os_disk_image.host_caching",
                request => request.ImageVersion.StorageProfile.OsDiskImage.HostCaching = (HostCaching)7
            },
            { "image_version.storage_profile.data_disk_images[0].lun", request => Disks(request, new DataDiskImage { Lun = 64 }) },
            { "image_version.storage_profile.data_disk_images[0].lun", request => Disks(request, new DataDiskImage { Lun = -1 }) },
            {
                "image_version.storage_profile.data_disk_images[1].lun",
                request => Disks(request, new DataDiskImage { Lun = 1 }, new DataDiskImage { Lun = 1 })
            },
            {
                "image_version.storage_profile",
                request =>
                    Disks(
                        request,
                        new DataDiskImage
                        {
                            Lun = 1,
                            Snapshot = request.ImageVersion.StorageProfile.OsDiskImage.Snapshot.ToUpperInvariant(),
                        }
                    )
            },
            {
                "image_version.storage_profile",
                request => request.ImageVersion.StorageProfile.Source = new ImageSource { ImageVersion = "x" }
            },
            {
                "image_version.storage_profile.source",
                request => request.ImageVersion.StorageProfile = new StorageProfile { Source = new ImageSource() }
            },
            { "image_version.tags", request => request.ImageVersion.Tags["a/b"] = "c" },
        };

    [Theory]
    [MemberData(nameof(BadRequests), DisableDiscoveryEnumeration = true)]
    public async Task A_bad_value_is_refused_by_its_field_and_leaves_nothing(string field, Action<CreateImageVersionRequest> spoil)
    {
        var definition = await _here.CreateDefinitionAsync();
        var before = (_here.Keys(), (await _here.EventsAsync()).Count);
        var request = _here.NewVersion(definition.Name);
        spoil(request);

        var refused = await Refused.WithAsync(
            () => _here.Versions.CreateImageVersionAsync(request),
            StatusCode.InvalidArgument,
            ErrorReason.InvalidParameter
        );

        Assert.Contains(field, refused.Fields);
        Assert.Equal(before.Item1, _here.Keys());
        Assert.Equal(before.Count, (await _here.EventsAsync()).Count);
    }

    public static TheoryData<StatusCode, ErrorReason, Action<CreateImageVersionRequest>> RefusedRequests() =>
        new()
        {
            {
                StatusCode.InvalidArgument,
                ErrorReason.LocationNotAvailableForResourceType,
                request => Regions(request, new TargetRegion { Name = "westus" }, new TargetRegion { Name = "atlantis" })
            },
            {
                StatusCode.InvalidArgument,
                ErrorReason.LocationNotAvailableForResourceType,
                request => Regions(request, new TargetRegion { Name = "westus" }, new TargetRegion { Name = "australiacentral" })
            },
            {
                StatusCode.InvalidArgument,
                ErrorReason.LocationNotAvailableForResourceType,
                request => request.ImageVersion.Location = "nowhere"
            },
            {
                StatusCode.FailedPrecondition,
                ErrorReason.StorageAccountTypeNotSupported,
                request => Regions(request, new TargetRegion { Name = "westus", StorageAccountType = StorageAccountType.StandardZrs })
            },
            {
                StatusCode.FailedPrecondition,
                ErrorReason.StorageAccountTypeNotSupported,
                request =>
                    request.ImageVersion.PublishingProfile = new ImageVersionPublishingProfile
                    {
                        StorageAccountType = StorageAccountType.StandardZrs,
                    }
            },
            {
                StatusCode.NotFound,
                ErrorReason.ResourceNotFound,
                request => request.ImageVersion.StorageProfile.OsDiskImage.Snapshot += "none"
            },
            {
                StatusCode.Unimplemented,
                ErrorReason.NotSupportedYet,
                request => request.ImageVersion.StorageProfile = new StorageProfile { Source = new ImageSource { ImageVersion = "x" } }
            },
            {
                StatusCode.Unimplemented,
                ErrorReason.NotSupportedYet,
                request => request.ImageVersion.SecurityProfile = new ImageVersionSecurityProfile()
            },
            {
                StatusCode.Unimplemented,
                ErrorReason.NotSupportedYet,
                request =>
                    request.ImageVersion.PublishingProfile = new ImageVersionPublishingProfile { ReplicationMode = ReplicationMode.Shallow }
            },
            {
                StatusCode.Unimplemented,
                ErrorReason.NotSupportedYet,
                request =>
                    request.ImageVersion.PublishingProfile = new ImageVersionPublishingProfile
                    {
                        TargetExtendedLocations = { new TargetExtendedLocation() },
                    }
            },
            {
                StatusCode.Unimplemented,
                ErrorReason.NotSupportedYet,
                request => Regions(request, new TargetRegion { Name = "westus", Encryption = new TargetRegionEncryption() })
            },
            {
                StatusCode.Unimplemented,
                ErrorReason.NotSupportedYet,
                request => Regions(request, new TargetRegion { Name = "westus", AdditionalReplicaSets = { new AdditionalReplicaSet() } })
            },
        };

    [Theory]
    [MemberData(nameof(RefusedRequests), DisableDiscoveryEnumeration = true)]
    public async Task What_cannot_be_had_is_refused_with_its_reason_and_leaves_nothing(
        StatusCode code,
        ErrorReason reason,
        Action<CreateImageVersionRequest> spoil
    )
    {
        var definition = await _here.CreateDefinitionAsync();
        var before = _here.Keys();
        var request = _here.NewVersion(definition.Name);
        spoil(request);

        await Refused.WithAsync(() => _here.Versions.CreateImageVersionAsync(request), code, reason);
        Assert.Equal(before, _here.Keys());
    }

    [Fact]
    public async Task Sources_must_be_committed_in_the_location_and_not_too_large()
    {
        var definition = await _here.CreateDefinitionAsync();
        await SourceRefused(
            StatusCode.FailedPrecondition,
            ErrorReason.SourceNotUsable,
            snapshot => snapshot.State = SnapshotState.Uploading
        );
        await SourceRefused(StatusCode.FailedPrecondition, ErrorReason.SourceNotUsable, snapshot => snapshot.Region = "eastus");
        var tooLarge = await SourceRefused(
            StatusCode.InvalidArgument,
            ErrorReason.GallerySourceResourceExceedsMaxSize,
            snapshot => snapshot.Content.VirtualSizeBytes = (1L << 40) + 512
        );
        Assert.Equal("1099511627776", tooLarge.Metadata["limit"]);
        await _here.CreateVersionAsync(
            definition.Name,
            change: version =>
                version.StorageProfile.OsDiskImage.Snapshot = _here.Snapshot(change: snapshot =>
                    snapshot.Content.VirtualSizeBytes = 1L << 40
                )
        );

        Task<Refused> SourceRefused(StatusCode code, ErrorReason reason, Action<Snapshot> spoil) =>
            Refused.WithAsync(
                () =>
                    _here.Versions.CreateImageVersionAsync(
                        _here.NewVersion(
                            definition.Name,
                            change: version => version.StorageProfile.OsDiskImage.Snapshot = _here.Snapshot(change: spoil)
                        )
                    ),
                code,
                reason
            );
    }

    [Fact]
    public async Task A_source_that_the_caller_may_not_read_is_refused_as_linked()
    {
        var definition = await _here.CreateDefinitionAsync();
        var foreign = $"subscriptions/{TestPrincipal.SubscriptionB}/resourceGroups/rg1/snapshots/secret";
        var refused = await Refused.WithAsync(
            () =>
                _here.Versions.CreateImageVersionAsync(
                    _here.NewVersion(definition.Name, change: version => version.StorageProfile.OsDiskImage.Snapshot = foreign)
                ),
            StatusCode.PermissionDenied,
            ErrorReason.LinkedAuthorizationFailed
        );
        Assert.Equal(("Microsoft.Compute/snapshots/read", foreign), (refused.Metadata["action"], refused.Metadata["scope"]));
    }

    [Fact]
    public async Task A_missing_definition_is_named()
    {
        var gallery = await _here.CreateGalleryAsync();
        await Refused.WithAsync(
            () => _here.Versions.CreateImageVersionAsync(_here.NewVersion($"{gallery.Name}/images/none")),
            StatusCode.NotFound,
            ErrorReason.ParentResourceNotFound
        );
    }

    [Fact]
    public async Task A_taken_number_is_refused()
    {
        var version = await _here.CreateVersionAsync();
        var parent = version.Name[..version.Name.IndexOf("/versions", StringComparison.Ordinal)];
        await Refused.WithAsync(
            () => _here.Versions.CreateImageVersionAsync(_here.NewVersion(parent)),
            StatusCode.AlreadyExists,
            ErrorReason.ResourceAlreadyExists
        );
        await Refused.WithAsync(
            () =>
                _here.Versions.CreateImageVersionAsync(
                    _here.NewVersion(
                        parent,
                        change: other =>
                        {
                            other.Location = "eastus";
                            other.StorageProfile.OsDiskImage.Snapshot = _here.Snapshot(change: snapshot => snapshot.Region = "eastus");
                        }
                    )
                ),
            StatusCode.FailedPrecondition,
            ErrorReason.InvalidResourceLocation
        );
    }

    private static void Regions(CreateImageVersionRequest request, params TargetRegion[] regions) =>
        request.ImageVersion.PublishingProfile = new ImageVersionPublishingProfile { TargetRegions = { regions } };

    private static void Disks(CreateImageVersionRequest request, params DataDiskImage[] disks)
    {
        foreach (var disk in disks)
        {
            var source = request.ImageVersion.StorageProfile.OsDiskImage.Snapshot;
            disk.Snapshot =
                disk.Snapshot.Length == 0 ? $"{source}{request.ImageVersion.StorageProfile.DataDiskImages.Count}" : disk.Snapshot;
            request.ImageVersion.StorageProfile.DataDiskImages.Add(disk);
        }
    }
}
