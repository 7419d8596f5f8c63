using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Gallery.Contracts.Common.V1;
using Gallery.Contracts.Sharing.V1;
using Gallery.ServiceDefaults.Errors;
using Gallery.ServiceDefaults.Names;
using Gallery.Sharing.Assignments;
using Gallery.Sharing.Roles;

namespace Gallery.Sharing.Seeds;

/// <summary>A seeded assignment that is well-formed.</summary>
/// <param name="Key">Names the seed for ever: who, which role, where.</param>
/// <param name="Draft">The assignment.</param>
/// <param name="Role">Its role.</param>
internal sealed record PlannedAssignment(string Key, AssignmentRules.Draft Draft, Role Role);

/// <summary>Reads the configured seeds. Pure.</summary>
internal static class SeedReader
{
    /// <summary>All subscriptions and assignments of the configuration.</summary>
    /// <exception cref="InvalidOperationException">Something is malformed; the message names the setting.</exception>
    public static (IReadOnlyList<Subscription> Subscriptions, IReadOnlyList<PlannedAssignment> Assignments) Read(SeedOptions options) =>
        ([.. options.Subscriptions.Select(ReadSubscription)], [.. options.Assignments.Select(ReadAssignment)]);

    private static Subscription ReadSubscription(SubscriptionSeed seed, int index)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"Seed:Subscriptions:{index}");
        if (!Guid.TryParseExact(seed.Id, "D", out var id) || !Guid.TryParseExact(seed.TenantId, "D", out var tenantId))
        {
            throw new InvalidOperationException($"{path}: Id and TenantId must be UUIDs.");
        }

        return new Subscription
        {
            Name = $"subscriptions/{id:D}",
            TenantId = tenantId.ToString("D"),
            DisplayName = seed.DisplayName.Length == 0 ? id.ToString("D") : seed.DisplayName,
        };
    }

    private static PlannedAssignment ReadAssignment(AssignmentSeed seed, int index)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"Seed:Assignments:{index}");
        if (!ResourceName.TryParse(seed.Scope, out var scope))
        {
            throw new InvalidOperationException(
                $"{path}:Scope: {ResourceName.Describe(ResourceKind.Subscription, ResourceKind.ResourceGroup)}"
            );
        }

        if (!RoleCatalog.TryFind(seed.RoleId, out var role))
        {
            throw new InvalidOperationException(
                $"{path}:RoleId: '{seed.RoleId}' is none of {string.Join(", ", RoleCatalog.All.Select(each => each.Id))}."
            );
        }

        if (!Enum.TryParse<PrincipalType>(seed.PrincipalType, ignoreCase: true, out var type))
        {
            throw new InvalidOperationException($"{path}:PrincipalType: must be User, Group or ServicePrincipal.");
        }

        var given = new RoleAssignment
        {
            Scope = seed.Scope,
            RoleDefinition = role.Id,
            PrincipalId = seed.PrincipalId,
            PrincipalTenantId = seed.PrincipalTenantId,
            PrincipalType = type,
        };
        var key = string.Join('|', seed.PrincipalTenantId, seed.PrincipalId, role.Id, scope.Key).ToLowerInvariant();
        var violations = new Violations();
        // The same seed has the same id in every installation and at every start.
        var id = new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16)).ToString("D");
        var draft = AssignmentRules.Read(given, id, scope.Ancestor(ResourceKind.Subscription)!, violations);
        return draft is not null
            ? new PlannedAssignment(key, draft, role)
            : throw new InvalidOperationException(
                $"{path}: {string.Join(" ", violations.Found.Select(each => $"{each.Field}: {each.Description}"))}"
            );
    }
}
