using Gallery.Catalog.Resources;
using Gallery.Catalog.Updates;
using Gallery.Contracts.Catalog.V1;
using Gallery.ServiceDefaults.Errors;
using V1 = Gallery.Contracts.Catalog.V1;

namespace Gallery.Catalog.Galleries;

/// <summary>What a gallery may be (semantics 2.1, 3.1). Pure.</summary>
internal static class GalleryRules
{
    private const int MostIdentities = 20;
    private const int LongestIdentity = 512;

    /// <summary>Which fields the service sets, and which can't change.</summary>
    public static readonly ResourceShape<V1.Gallery> Shape = new(
        "gallery",
        Output:
        [
            "name",
            "uid",
            "etag",
            "create_time",
            "update_time",
            "unique_name",
            "sharing_status",
            "provisioning_state",
            "sharing_profile.community_gallery_info.community_gallery_enabled",
            "sharing_profile.community_gallery_info.public_names",
        ],
        Fixed: ["location"]
    );

    /// <summary>Notes what is wrong with a gallery, and refuses what can't be kept yet.</summary>
    public static void Check(V1.Gallery gallery, Violations violations)
    {
        ValueRules.Tags(violations, "gallery.tags", gallery.Tags);
        ValueRules.Text(violations, "gallery.description", gallery.Description);
        CheckIdentity(gallery.Identity, violations);
        CheckSoftDelete(gallery.SoftDeletePolicy, violations);
        if (gallery.SharingProfile is { } sharing)
        {
            ValueRules.Known(violations, "gallery.sharing_profile.permissions", sharing.Permissions, required: false);
            violations.AddIf(
                sharing.CommunityGalleryInfo is not null
                    && sharing.Permissions is SharingPermission.Unspecified or SharingPermission.Private,
                "gallery.sharing_profile.community_gallery_info",
                "Goes with permissions COMMUNITY only."
            );
        }
    }

    /// <summary>Refuses what is right and can't be kept yet.</summary>
    public static void RequireSupported(V1.Gallery gallery)
    {
        if (gallery.SharingProfile?.Permissions is SharingPermission.Groups or SharingPermission.Community)
        {
            throw GalleryError.NotSupportedYet(
                "Galleries can't be shared directly or with the community yet. Leave sharing_profile.permissions PRIVATE and share by role assignments."
            );
        }

        if (gallery.SoftDeletePolicy?.IsSoftDeleteEnabled == true)
        {
            throw GalleryError.NotSupportedYet(
                "Deleted versions can't be brought back yet. Leave soft_delete_policy.is_soft_delete_enabled false; "
                    + "block_deletion_before_end_of_life in a version's safety profile protects it."
            );
        }
    }

    private static void CheckIdentity(ManagedIdentity? identity, Violations violations)
    {
        if (identity is null)
        {
            return;
        }

        ValueRules.Known(violations, "gallery.identity.type", identity.Type, required: false);
        var takesNames = identity.Type is ManagedIdentityType.UserAssigned or ManagedIdentityType.SystemAssignedAndUserAssigned;
        var names = identity.UserAssignedIdentities;
        violations.AddIf(
            takesNames ? names.Count is 0 or > MostIdentities : names.Count > 0,
            "gallery.identity.user_assigned_identities",
            takesNames ? $"Must be 1 to {MostIdentities} identities with this type." : "Must be empty with this type."
        );
        violations.AddIf(
            names.Any(name => name.Length is 0 or > LongestIdentity),
            "gallery.identity.user_assigned_identities",
            $"Each must have 1 to {LongestIdentity} characters."
        );
        violations.AddIf(
            names.Distinct(StringComparer.OrdinalIgnoreCase).Count() < names.Count,
            "gallery.identity.user_assigned_identities",
            "Each must stand there once."
        );
    }

    private static void CheckSoftDelete(SoftDeletePolicy? policy, Violations violations)
    {
        if (policy is not null)
        {
            violations.AddIf(
                policy.RetentionPeriodInDays is < 0 or > 90,
                "gallery.soft_delete_policy.retention_period_in_days",
                "Must be 1 to 90; 0 means 7."
            );
            violations.AddIf(
                policy.GracePeriodInDays is < 0 or > 30,
                "gallery.soft_delete_policy.grace_period_in_days",
                "Must be 0 to 30."
            );
        }
    }
}
