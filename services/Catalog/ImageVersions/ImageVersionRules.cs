using System.Globalization;
using Gallery.Catalog.Quotas;
using Gallery.Catalog.Regions;
using Gallery.Catalog.Resources;
using Gallery.Catalog.Updates;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;

namespace Gallery.Catalog.ImageVersions;

/// <summary>What an image version may be, beside its disks and regions (semantics 2.3, 3.6, 3.8). Pure.</summary>
internal static class ImageVersionRules
{
    public const string Prefix = "image_version";
    public const string Profile = $"{Prefix}.publishing_profile";

    /// <summary>Replicas in one region beyond which the caller is warned (semantics 10).</summary>
    public const int ManyReplicas = 50;

    /// <summary>Which fields the service sets, and which can't change. Disks have rules of their own: <see cref="StorageProfileRules"/>.</summary>
    public static readonly ResourceShape<ImageVersion> Shape = new(
        Prefix,
        Output:
        [
            "name",
            "uid",
            "etag",
            "create_time",
            "update_time",
            "generation",
            "provisioning_state",
            "provisioning_details",
            "replication_status",
            "virtual_size_bytes",
            "occupied_size_bytes",
            "validations_profile",
            "image_metadata_profiles",
            "publishing_profile.published_date",
            "safety_profile.reported_for_policy_violation",
            "safety_profile.policy_violations",
        ],
        Fixed:
        [
            "location",
            "publishing_profile.storage_account_type",
            "publishing_profile.storage_account_strategy",
            "publishing_profile.replication_mode",
            "security_profile",
        ]
    );

    /// <summary>Fills in what the profile does not say.</summary>
    public static void Normalize(ImageVersion version)
    {
        version.Location = RegionSet.Canonical(version.Location);
        var profile = version.PublishingProfile ??= new ImageVersionPublishingProfile();
        if (profile.ReplicationMode == ReplicationMode.Unspecified)
        {
            profile.ReplicationMode = ReplicationMode.Full;
        }

        if (
            profile.StorageAccountType == StorageAccountType.Unspecified
            && profile.StorageAccountStrategy == StorageAccountStrategy.Unspecified
        )
        {
            profile.StorageAccountType = StorageAccountType.StandardLrs;
        }

        if (profile.ReplicaCount == 0)
        {
            profile.ReplicaCount = 1;
        }
    }

    /// <summary>Notes what is wrong with a version in its normal form, apart from disks and regions.</summary>
    /// <param name="version">The version as it would be.</param>
    /// <param name="current">As it is; null when it is created.</param>
    /// <param name="now">The time.</param>
    /// <param name="violations">Where to note it.</param>
    public static void Check(ImageVersion version, ImageVersion? current, DateTimeOffset now, Violations violations)
    {
        var profile = version.PublishingProfile;
        ValueRules.Tags(violations, $"{Prefix}.tags", version.Tags);
        ValueRules.EndOfLife(
            violations,
            $"{Profile}.end_of_life_date",
            profile.EndOfLifeDate,
            current?.PublishingProfile.EndOfLifeDate,
            now
        );
        ValueRules.Known(violations, $"{Profile}.replication_mode", profile.ReplicationMode, required: true);
        ValueRules.Known(violations, $"{Profile}.storage_account_strategy", profile.StorageAccountStrategy, required: false);
        ReplicaType(violations, $"{Profile}.storage_account_type", profile.StorageAccountType);
        violations.AddIf(
            profile.StorageAccountStrategy != StorageAccountStrategy.Unspecified
                && profile.StorageAccountType != StorageAccountType.Unspecified,
            $"{Profile}.storage_account_strategy",
            "Must not be set together with storage_account_type."
        );
        violations.AddIf(
            profile.ReplicaCount is < 1 or > TargetRegionRules.MostReplicas,
            $"{Profile}.replica_count",
            TargetRegionRules.CountRange
        );
    }

    /// <summary>Refuses what is part of the contract and can't be kept yet.</summary>
    public static void RequireSupported(ImageVersion version)
    {
        var profile = version.PublishingProfile;
        var missing = version switch
        {
            { StorageProfile.Source: not null } =>
                "A version can't be made from another image yet. Upload its disks as snapshots and name them in os_disk_image and data_disk_images.",
            { SecurityProfile: not null } => "Firmware keys and secrets settings (security_profile) can't be kept yet. Leave it out.",
            _ when profile.ReplicationMode == ReplicationMode.Shallow =>
                "replication_mode SHALLOW is not supported yet. Leave it FULL with one replica in the version's location.",
            _ when profile.TargetExtendedLocations.Count > 0 =>
                "Edge zones (target_extended_locations) can't be kept yet. Name the region in target_regions.",
            _ when profile.TargetRegions.Any(region => region.Encryption is not null) =>
                "Encryption of target regions can't be kept yet. Leave it out.",
            _ when profile.TargetRegions.Any(region => region.AdditionalReplicaSets.Count > 0) =>
                "additional_replica_sets are not supported yet. Ask for more replicas with regional_replica_count.",
            _ => null,
        };
        if (missing is not null)
        {
            throw GalleryError.NotSupportedYet(missing);
        }
    }

    /// <summary>Refuses more replicas than a version may have over all its regions (semantics 10), and advises against many in one.</summary>
    /// <returns>Advice for the caller.</returns>
    public static IReadOnlyList<string> CheckReplicas(ImageVersion version, Limits limits)
    {
        var regions = version.PublishingProfile.TargetRegions;
        var total = regions.Sum(region => (long)region.RegionalReplicaCount);
        if (total > limits.ReplicasPerVersion)
        {
            throw GalleryError.InvalidParameter(
                $"{Profile}.target_regions",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Must ask for at most {limits.ReplicasPerVersion} replicas over all regions; these are {total}."
                )
            );
        }

        return
        [
            .. regions
                .Where(region => region.RegionalReplicaCount > ManyReplicas)
                .Select(region =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{region.RegionalReplicaCount} replicas are asked for in {region.Name}: more than {ManyReplicas} in one region are rarely needed, as each serves about 20 machines at a time."
                    )
                ),
        ];
    }

    /// <summary>A storage type that replicas may have.</summary>
    public static void ReplicaType(Violations violations, string field, StorageAccountType type)
    {
        ValueRules.Known(violations, field, type, required: false);
        violations.AddIf(
            type == StorageAccountType.PremiumV2Lrs,
            field,
            "PremiumV2Lrs is for additional replica sets only: use StandardLrs, StandardZrs or PremiumLrs."
        );
    }

    /// <summary>Whether a version that failed and one that is to be created in its place are the same but for what may change: then it goes on.</summary>
    public static bool GoesOn(ImageVersion failed, ImageVersion created)
    {
        var types = failed.PublishingProfile.TargetRegions.ToDictionary(region => region.Name, region => region.StorageAccountType);
        return failed.Location == created.Location
            && StorageProfileRules.Disks(failed.StorageProfile).SequenceEqual(StorageProfileRules.Disks(created.StorageProfile))
            && created.PublishingProfile.TargetRegions.All(region =>
                !types.TryGetValue(region.Name, out var type) || type == region.StorageAccountType
            );
    }
}
