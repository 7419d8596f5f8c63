using System.Diagnostics.CodeAnalysis;

namespace Gallery.Sharing.Roles;

/// <summary>The roles there are (semantics.md 7.3), by display name.</summary>
internal static class RoleCatalog
{
    /// <summary>The collection that role definitions lie in.</summary>
    public const string Collection = "roleDefinitions";

    public const string OwnerId = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
    public const string ContributorId = "b24988ac-6180-42a0-ab88-20f7382dd24c";
    public const string ReaderId = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    public const string SharingAdminId = "1ef6a3be-d0ac-425d-8c01-acb62866290b";
    public const string ImageReaderId = "cf7c76d2-98a3-4358-a134-615aa78bf44d";
    public const string ArtifactsPublisherId = "85a2d0d9-2eba-4c9c-b355-11c2cc0788ab";

    private const string Share = "Microsoft.Compute/galleries/share/action";

    /// <summary>All roles.</summary>
    public static IReadOnlyList<Role> All { get; } =
    [
        new(
            ArtifactsPublisherId,
            "Compute Gallery Artifacts Publisher",
            "Publishes images and applications; may not share galleries.",
            [
                "Microsoft.Compute/galleries/*",
                "Microsoft.Compute/locations/capsOperations/read",
                "Microsoft.Compute/locations/communityGalleries/*",
                "Microsoft.Compute/locations/sharedGalleries/*",
                "Microsoft.Compute/images/*",
                "Microsoft.Compute/virtualMachines/write",
                "Microsoft.Compute/disks/write",
                // Here every image starts as a snapshot, so a publisher must be able to make one.
                "Microsoft.Compute/snapshots/*",
                "Microsoft.Authorization/*/read",
                "Microsoft.Insights/alertRules/*",
                "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
            ],
            [Share]
        ),
        new(
            ImageReaderId,
            "Compute Gallery Image Reader",
            "Reads and deploys images.",
            ["Microsoft.Compute/galleries/images/read", "Microsoft.Compute/galleries/images/versions/read"],
            []
        ),
        new(
            SharingAdminId,
            "Compute Gallery Sharing Admin",
            "Shares galleries with subscriptions, tenants and the community.",
            [Share],
            []
        ),
        new(
            ContributorId,
            "Contributor",
            "Does everything but manage access and locks and share galleries.",
            ["*"],
            ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action", Share]
        ),
        new(OwnerId, "Owner", "Does everything, including access, locks and shares.", ["*"], []),
        new(ReaderId, "Reader", "Reads everything and changes nothing.", ["*/read"], []),
    ];

    /// <summary>The roles that have an action.</summary>
    public static IEnumerable<Role> With(string action) => All.Where(role => role.Has(action));

    /// <summary>Finds a role by its id, or by <c>roleDefinitions/{id}</c>.</summary>
    public static bool TryFind(string? text, [NotNullWhen(true)] out Role? role)
    {
        var id =
            text is not null && text.StartsWith(Collection + "/", StringComparison.OrdinalIgnoreCase)
                ? text[(Collection.Length + 1)..]
                : text;
        role = All.FirstOrDefault(each => each.Id.Equals(id, StringComparison.OrdinalIgnoreCase));
        return role is not null;
    }
}
