using System.Globalization;
using Gallery.Catalog.Regions;
using Gallery.Contracts.Catalog.V1;
using Gallery.Contracts.Common.V1;
using Gallery.ServiceDefaults.Errors;
using Google.Protobuf.Collections;
using Grpc.Core;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Where a version may be wanted (semantics 3.6). Pure.</summary>
internal static class TargetRegionRules
{
    /// <summary>Replicas in one region.</summary>
    public const int MostReplicas = 100;

    /// <summary>What a count accepts.</summary>
    public static readonly string CountRange = string.Create(
        CultureInfo.InvariantCulture,
        $"Must be 1 to {MostReplicas}; 0 leaves it to the default."
    );

    private const string Field = $"{ImageVersionRules.Profile}.target_regions";

    /// <summary>Notes what is wrong with the list, whatever regions there are.</summary>
    public static void Check(ImageVersion version, Violations violations)
    {
        var targets = version.PublishingProfile.TargetRegions;
        for (var index = 0; index < targets.Count; index++)
        {
            var target = targets[index];
            var path = $"{Field}[{index}]";
            var name = RegionSet.Canonical(target.Name);
            violations.AddIf(name.Length == 0, $"{path}.name", "Must be set: a region.");
            violations.AddIf(target.RegionalReplicaCount is < 0 or > MostReplicas, $"{path}.regional_replica_count", CountRange);
            ImageVersionRules.ReplicaType(violations, $"{path}.storage_account_type", target.StorageAccountType);
            violations.AddIf(
                name.Length > 0 && targets.Take(index).Any(other => RegionSet.Canonical(other.Name) == name),
                Field,
                $"Each region must stand there once; '{name}' stands there twice."
            );
        }

        violations.AddIf(
            version.Location.Length > 0 && targets.All(target => RegionSet.Canonical(target.Name) != version.Location),
            Field,
            $"Must include the version's location, '{version.Location}'."
        );
    }

    /// <summary>Gives each region its canonical name, its count and its storage type, and refuses regions that can't have it.</summary>
    /// <param name="version">The version, in its normal form and without violations.</param>
    /// <param name="current">As it is; null when it is created: a region that stays keeps its storage type.</param>
    /// <param name="regions">The regions there are.</param>
    public static void Resolve(ImageVersion version, ImageVersion? current, RegionSet regions)
    {
        version.Location = regions.Require(version.Location, $"{ImageVersionRules.Prefix}.location").Name;
        var profile = version.PublishingProfile;
        for (var index = 0; index < profile.TargetRegions.Count; index++)
        {
            var target = profile.TargetRegions[index];
            var kept = current?.PublishingProfile.TargetRegions.FirstOrDefault(other => other.Name == RegionSet.Canonical(target.Name));

            // A region that the version is in already stays its region, even if the subscription may not ask for it anew.
            if (kept is null || regions.TryFind(target.Name, out _))
            {
                var region = regions.Require(target.Name, $"{Field}[{index}].name");
                target.Name = region.Name;
                target.StorageAccountType = TypeOf(target, kept, profile, region);
                if (kept is null && target.StorageAccountType == StorageAccountType.StandardZrs && !region.IsZoneRedundant)
                {
                    throw NotZoneRedundant(region, index);
                }
            }
            else
            {
                target.Name = kept.Name;
                target.StorageAccountType = TypeOf(target, kept, profile, region: null);
            }

            if (kept is not null && kept.StorageAccountType != target.StorageAccountType)
            {
                throw GalleryError.PropertyChangeNotAllowed(
                    $"{Field}[{index}].storage_account_type",
                    kept.StorageAccountType.ToString(),
                    target.StorageAccountType.ToString()
                );
            }

            if (target.RegionalReplicaCount == 0)
            {
                target.RegionalReplicaCount = profile.ReplicaCount;
            }
        }
    }

    /// <summary>Refuses to drop regions unless the safety profile, as it would be, allows it.</summary>
    public static void RequireMayDrop(ImageVersion current, ImageVersion proposed)
    {
        var dropped = Names(current).Except(Names(proposed)).ToArray();
        if (dropped.Length == 0 || proposed.SafetyProfile?.AllowDeletionOfReplicatedLocations == true)
        {
            return;
        }

        var list = string.Join(", ", dropped);
        throw GalleryError.Create(
            StatusCode.FailedPrecondition,
            ErrorReason.ReplicatedLocationDeletionNotAllowed,
            $"The update would take the version out of {list}. Name all regions that it is to stay in, or set "
                + "safety_profile.allow_deletion_of_replicated_locations, which may be in the same update.",
            new Dictionary<string, string> { ["dropped"] = list }
        );
    }

    /// <summary>Whether the replicas that are wanted differ.</summary>
    public static bool WantsOthers(ImageVersion current, ImageVersion proposed) =>
        !Wanted(current.PublishingProfile.TargetRegions).SetEquals(Wanted(proposed.PublishingProfile.TargetRegions));

    private static HashSet<(string, int, StorageAccountType)> Wanted(RepeatedField<TargetRegion> targets) =>
        [.. targets.Select(target => (target.Name, target.RegionalReplicaCount, target.StorageAccountType))];

    private static IEnumerable<string> Names(ImageVersion version) => version.PublishingProfile.TargetRegions.Select(target => target.Name);

    private static StorageAccountType TypeOf(
        TargetRegion target,
        TargetRegion? kept,
        ImageVersionPublishingProfile profile,
        OfferedRegion? region
    )
    {
        if (target.StorageAccountType != StorageAccountType.Unspecified)
        {
            return target.StorageAccountType;
        }

        if (kept is not null)
        {
            return kept.StorageAccountType;
        }

        return profile.StorageAccountStrategy switch
        {
            StorageAccountStrategy.PreferStandardZrs when region!.IsZoneRedundant => StorageAccountType.StandardZrs,
            StorageAccountStrategy.PreferStandardZrs or StorageAccountStrategy.DefaultStandardLrs => StorageAccountType.StandardLrs,
            _ => profile.StorageAccountType,
        };
    }

    private static RpcException NotZoneRedundant(OfferedRegion region, int index) =>
        GalleryError.Create(
            StatusCode.FailedPrecondition,
            ErrorReason.StorageAccountTypeNotSupported,
            $"Standard_ZRS takes three zones and the region '{region.Name}' has one. Choose Standard_LRS or Premium_LRS there.",
            new Dictionary<string, string> { ["region"] = region.Name, ["field"] = $"{Field}[{index}].storage_account_type" }
        );
}
