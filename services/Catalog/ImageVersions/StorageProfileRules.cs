using System.Globalization;
using Gallery.Catalog.Resources;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;

namespace Gallery.Catalog.ImageVersions;

/// <summary>Which disks a version may have (semantics 2.3, 3.4). Pure.</summary>
internal static class StorageProfileRules
{
    private const string Field = $"{ImageVersionRules.Prefix}.storage_profile";
    private const int HighestLun = 63;

    /// <summary>Notes what is wrong with the disks of a version that is created.</summary>
    public static void Check(StorageProfile? profile, Violations violations)
    {
        if (profile is null || (profile.Source is null && profile.OsDiskImage is null))
        {
            violations.Add($"{Field}.os_disk_image", "Must be set: the snapshot that machines boot from.");
            return;
        }

        if (profile.Source is not null)
        {
            violations.AddIf(
                profile.OsDiskImage is not null || profile.DataDiskImages.Count > 0,
                Field,
                "Must have either source or disks, not both."
            );
            violations.AddIf(profile.Source.SourceCase == ImageSource.SourceOneofCase.None, $"{Field}.source", "Must name an image.");
            return;
        }

        CheckSource(violations, $"{Field}.os_disk_image.snapshot", profile.OsDiskImage.Snapshot);
        ValueRules.Known(violations, $"{Field}.os_disk_image.host_caching", profile.OsDiskImage.HostCaching, required: false);
        for (var index = 0; index < profile.DataDiskImages.Count; index++)
        {
            var disk = profile.DataDiskImages[index];
            var path = $"{Field}.data_disk_images[{index}]";
            CheckSource(violations, $"{path}.snapshot", disk.Snapshot);
            ValueRules.Known(violations, $"{path}.host_caching", disk.HostCaching, required: false);
            violations.AddIf(
                disk.Lun is < 0 or > HighestLun,
                $"{path}.lun",
                string.Create(CultureInfo.InvariantCulture, $"Must be 0 to {HighestLun}.")
            );
            violations.AddIf(
                profile.DataDiskImages.Take(index).Any(other => other.Lun == disk.Lun),
                $"{path}.lun",
                "Each LUN must stand there once."
            );
        }

        var sources = profile.DataDiskImages.Select(disk => disk.Snapshot).Prepend(profile.OsDiskImage.Snapshot);
        var twice = sources
            .Where(source => source.Length > 0)
            .GroupBy(source => source, StringComparer.OrdinalIgnoreCase)
            .FirstOrDefault(group => group.Count() > 1);
        violations.AddIf(twice is not null, Field, $"Each disk must come from a snapshot of its own; '{twice?.Key}' stands there twice.");
    }

    /// <summary>Fills in how disks are cached.</summary>
    public static void Normalize(StorageProfile profile)
    {
        if (profile.OsDiskImage is { HostCaching: HostCaching.Unspecified } osDisk)
        {
            osDisk.HostCaching = HostCaching.ReadWrite;
        }

        foreach (var disk in profile.DataDiskImages.Where(disk => disk.HostCaching == HostCaching.Unspecified))
        {
            disk.HostCaching = HostCaching.ReadOnly;
        }
    }

    /// <summary>What the disks would be after an update, in which only their caching may change.</summary>
    /// <param name="current">The disks as they are.</param>
    /// <param name="proposed">The disks as the update leaves them; absent, or with parts absent, says nothing of those.</param>
    /// <exception cref="Grpc.Core.RpcException">FAILED_PRECONDITION: another source, or other disks. INVALID_ARGUMENT: no such caching.</exception>
    public static StorageProfile Update(StorageProfile current, StorageProfile? proposed)
    {
        var result = current.Clone();
        if (proposed is null)
        {
            return result;
        }

        if (proposed.Source is not null)
        {
            throw GalleryError.PropertyChangeNotAllowed($"{Field}.source", "", proposed.Source.ToString());
        }

        var violations = new Violations();
        if (proposed.OsDiskImage is { } osDisk)
        {
            RequireSame($"{Field}.os_disk_image.snapshot", current.OsDiskImage.Snapshot, osDisk.Snapshot);
            result.OsDiskImage.HostCaching = Caching(
                violations,
                $"{Field}.os_disk_image.host_caching",
                current.OsDiskImage.HostCaching,
                osDisk.HostCaching
            );
        }

        if (proposed.DataDiskImages.Count > 0)
        {
            var luns = Luns(current);
            if (luns != Luns(proposed))
            {
                throw GalleryError.PropertyChangeNotAllowed($"{Field}.data_disk_images", $"LUNs {luns}", $"LUNs {Luns(proposed)}");
            }

            foreach (var disk in result.DataDiskImages)
            {
                var wanted = proposed.DataDiskImages.First(other => other.Lun == disk.Lun);
                var path = string.Create(CultureInfo.InvariantCulture, $"{Field}.data_disk_images[lun {disk.Lun}]");
                RequireSame($"{path}.snapshot", disk.Snapshot, wanted.Snapshot);
                disk.HostCaching = Caching(violations, $"{path}.host_caching", disk.HostCaching, wanted.HostCaching);
            }
        }

        violations.ThrowIfAny();
        return result;
    }

    /// <summary>The disks by slot, with the digests of their bytes.</summary>
    public static IEnumerable<(int Slot, string Digest)> Disks(StorageProfile profile) =>
        profile
            .DataDiskImages.Select(disk => (disk.Lun, disk.Content?.Digest ?? ""))
            .Prepend((-1, profile.OsDiskImage?.Content?.Digest ?? ""))
            .Order();

    private static void CheckSource(Violations violations, string field, string snapshot) =>
        violations.AddIf(
            !ResourceName.TryParse(snapshot, ResourceKind.Snapshot, out _),
            field,
            ResourceName.Describe(ResourceKind.Snapshot)
        );

    private static void RequireSame(string target, string current, string proposed)
    {
        if (proposed.Length > 0 && !proposed.Equals(current, StringComparison.OrdinalIgnoreCase))
        {
            throw GalleryError.PropertyChangeNotAllowed(target, current, proposed);
        }
    }

    private static HostCaching Caching(Violations violations, string field, HostCaching current, HostCaching proposed)
    {
        ValueRules.Known(violations, field, proposed, required: false);
        return proposed == HostCaching.Unspecified ? current : proposed;
    }

    private static string Luns(StorageProfile profile) => string.Join(", ", profile.DataDiskImages.Select(disk => disk.Lun).Order());
}
