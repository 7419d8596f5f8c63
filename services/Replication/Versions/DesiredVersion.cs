using Gallery.Contracts.Common.V1;
using Gallery.Replication.Regions;
using Catalog = Gallery.Contracts.Catalog.V1;

namespace Gallery.Replication.Versions;

/// <summary>What Catalog wants of a version.</summary>
/// <param name="Name">Resource name.</param>
/// <param name="Uid">Incarnation.</param>
/// <param name="Generation">Counts the changes of this incarnation.</param>
/// <param name="State">Where Catalog sees it.</param>
/// <param name="HomeRegion">The region its sources lie in.</param>
/// <param name="Disks">Its disks, the OS disk first.</param>
/// <param name="Targets">Where it is wanted, in order.</param>
internal sealed record DesiredVersion(
    string Name,
    string Uid,
    long Generation,
    ProvisioningState State,
    string HomeRegion,
    IReadOnlyList<DiskContent> Disks,
    IReadOnlyList<DesiredRegion> Targets
)
{
    /// <summary>No replica of it is wanted any more.</summary>
    public bool IsDeleting => State == ProvisioningState.Deleting;

    /// <summary>Only one replica a region is kept (semantics 3.9).</summary>
    public bool IsSoftDeleted => State == ProvisioningState.SoftDeleted;

    /// <summary>Reads what Catalog answers.</summary>
    public static DesiredVersion From(Catalog.ImageVersion version)
    {
        var profile = version.PublishingProfile ?? new Catalog.ImageVersionPublishingProfile();
        var home = RegionName.Normalize(version.Location);
        var soft = version.ProvisioningState == ProvisioningState.SoftDeleted;
        var targets = profile
            .TargetRegions.Select(target => new DesiredRegion(
                RegionName.Normalize(target.Name),
                soft ? 1 : CountOf(target, profile),
                TypeOf(target, profile),
                soft || (target.HasExcludeFromLatest ? target.ExcludeFromLatest : profile.ExcludeFromLatest)
            ))
            .DistinctBy(target => target.Region)
            .ToList();
        if (targets.Count == 0)
        {
            targets.Add(
                new DesiredRegion(
                    home,
                    soft ? 1 : Math.Max(1, profile.ReplicaCount),
                    TypeOf(new Catalog.TargetRegion(), profile),
                    soft || profile.ExcludeFromLatest
                )
            );
        }

        return new DesiredVersion(
            version.Name,
            version.Uid,
            version.Generation,
            version.ProvisioningState,
            home,
            [.. DisksOf(version.StorageProfile)],
            targets
        );
    }

    private static int CountOf(Catalog.TargetRegion target, Catalog.ImageVersionPublishingProfile profile) =>
        target.RegionalReplicaCount > 0 ? target.RegionalReplicaCount : Math.Max(1, profile.ReplicaCount);

    private static StorageAccountType TypeOf(Catalog.TargetRegion target, Catalog.ImageVersionPublishingProfile profile) =>
        (target.StorageAccountType, profile.StorageAccountType) switch
        {
            (not StorageAccountType.Unspecified, _) => target.StorageAccountType,
            (_, not StorageAccountType.Unspecified) => profile.StorageAccountType,
            _ => StorageAccountType.StandardLrs,
        };

    private static IEnumerable<DiskContent> DisksOf(Catalog.StorageProfile? profile)
    {
        if (profile?.OsDiskImage is { Content: not null } os)
        {
            yield return new DiskContent
            {
                Slot = new DiskSlot { OsDisk = true },
                Content = os.Content,
                SourceSnapshot = os.Snapshot,
            };
        }

        foreach (var data in (profile?.DataDiskImages ?? []).Where(data => data.Content is not null).OrderBy(data => data.Lun))
        {
            yield return new DiskContent
            {
                Slot = new DiskSlot { DataDiskLun = data.Lun },
                Content = data.Content,
                SourceSnapshot = data.Snapshot,
            };
        }
    }
}

/// <summary>Where a version is wanted.</summary>
/// <param name="Region">The region's canonical name.</param>
/// <param name="Count">Replicas, from 1.</param>
/// <param name="StorageAccountType">How they are stored.</param>
/// <param name="ExcludedFromLatest">Whether <c>latest</c> passes it over there (semantics 3.3).</param>
internal sealed record DesiredRegion(string Region, int Count, StorageAccountType StorageAccountType, bool ExcludedFromLatest);
