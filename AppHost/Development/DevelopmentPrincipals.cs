namespace Gallery.AppHost.Development;

/// <summary>Somebody to sign in as while developing.</summary>
/// <param name="Name">Name to sign in by; also the client id.</param>
/// <param name="DisplayName">Name for people.</param>
/// <param name="IsApp">A service principal, not a person.</param>
/// <param name="TenantId">The tenant.</param>
/// <param name="ObjectId">The principal in its tenant.</param>
/// <param name="RoleId">The role that is theirs.</param>
/// <param name="SubscriptionId">The subscription in which it is theirs.</param>
internal sealed record DevelopmentPrincipal(
    string Name,
    string DisplayName,
    bool IsApp,
    string TenantId,
    string ObjectId,
    string RoleId,
    string SubscriptionId
);

/// <summary>Two tenants with a subscription each, and who may do what in them: what a new installation starts with.</summary>
internal static class DevelopmentPrincipals
{
    private const string TenantA = "0000000a-0000-0000-0000-000000000000";
    private const string TenantB = "0000000b-0000-0000-0000-000000000000";
    private const string SubscriptionA = "00000000-0000-0000-0000-00000000000a";
    private const string SubscriptionB = "00000000-0000-0000-0000-00000000000b";
    private const string Owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
    private const string Contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c";
    private const string Reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

    private const string OperatorName = "operator";

    public static IReadOnlyList<DevelopmentPrincipal> All { get; } =
    [
        new("owner", "Olivia Owner", false, TenantA, "0000000a-0000-0000-0000-000000000001", Owner, SubscriptionA),
        new("contributor", "Conrad Contributor", false, TenantA, "0000000a-0000-0000-0000-000000000002", Contributor, SubscriptionA),
        new("reader", "Rita Reader", false, TenantA, "0000000a-0000-0000-0000-000000000003", Reader, SubscriptionA),
        new("pipeline", "Build pipeline", true, TenantA, "0000000a-0000-0000-0000-000000000004", Contributor, SubscriptionA),
        new(OperatorName, "Oscar Operator", false, TenantA, "0000000a-0000-0000-0000-000000000005", Reader, SubscriptionA),
        new("other-owner", "Otto Other", false, TenantB, "0000000b-0000-0000-0000-000000000001", Owner, SubscriptionB),
    ];

    /// <summary>Who runs the installation: drains regions and reviews access to restricted ones.</summary>
    public static DevelopmentPrincipal Operator { get; } = All.Single(principal => principal.Name == OperatorName);

    /// <summary>Settings from which Sharing makes the subscriptions and assignments at its first start.</summary>
    public static IEnumerable<(string Setting, string Value)> SharingSeed
    {
        get
        {
            var subscriptions = All.Select(principal => (principal.SubscriptionId, principal.TenantId)).Distinct();
            foreach (var (index, (id, tenantId)) in subscriptions.Index())
            {
                yield return ($"Seed__Subscriptions__{index}__Id", id);
                yield return ($"Seed__Subscriptions__{index}__TenantId", tenantId);
            }

            foreach (var (index, principal) in All.Index())
            {
                yield return ($"Seed__Assignments__{index}__PrincipalId", principal.ObjectId);
                yield return ($"Seed__Assignments__{index}__PrincipalType", principal.IsApp ? "ServicePrincipal" : "User");
                yield return ($"Seed__Assignments__{index}__RoleId", principal.RoleId);
                yield return ($"Seed__Assignments__{index}__Scope", $"subscriptions/{principal.SubscriptionId}");
            }
        }
    }
}
